using Contracts.Desk;
using Dapr.Workflow;

namespace Desk.Callbacks;

/// <summary>What a delivery starts from; the instance id is the message's. Waits and jitter are part of it so that a replay sees what the first run saw.</summary>
/// <param name="Message">What is to be delivered.</param>
/// <param name="Waits">Between attempts.</param>
/// <param name="Jitter">Share by which a wait varies.</param>
/// <param name="OwnRetryInterval"><see cref="CallbackOptions.OwnRetryInterval"/>; without one that of earlier versions.</param>
/// <param name="OwnRetryTimeout"><see cref="CallbackOptions.OwnRetryTimeout"/>; likewise.</param>
public sealed record CallbackInput(
    CallbackDue Message, IReadOnlyList<TimeSpan> Waits, double Jitter, TimeSpan? OwnRetryInterval = null, TimeSpan? OwnRetryTimeout = null);

/// <summary>
/// Delivers one message: an activity per attempt and a durable timer in between, so it outlives every process. Ends as <c>delivered</c>, <c>dead</c>, or
/// <c>withdrawn</c> when its owner was erased. A receiver may get a message twice, when a process dies between its answer and our note of it; it knows it by
/// its id.
/// </summary>
public sealed class CallbackWorkflow : Workflow<CallbackInput, string>
{
    public override async Task<string> RunAsync(WorkflowContext context, CallbackInput input)
    {
        // What only needs our own stores and secrets: that these are away may cost time, never a message.
        var untilStored = new WorkflowTaskOptions(new WorkflowRetryPolicy(
            int.MaxValue, TimeSpan.FromSeconds(1), backoffCoefficient: 2, maxRetryInterval: input.OwnRetryInterval ?? TimeSpan.FromSeconds(30),
            retryTimeout: input.OwnRetryTimeout ?? TimeSpan.FromDays(7)));
        for (var attempt = 1; ; attempt++)
        {
            AttemptOutcome outcome;
            try
            {
                outcome = await context.CallActivityAsync<AttemptOutcome>(nameof(DeliverActivity), new DeliverActivity.Input(input.Message, attempt), untilStored);
            }
            catch (WorkflowTaskFailedException)
            {
                outcome = new AttemptOutcome(AttemptVerdict.Refused, "no signing secret, or no store, for too long");
            }

            if (outcome.Verdict is AttemptVerdict.Delivered or AttemptVerdict.Withdrawn)
            {
                return outcome.Verdict == AttemptVerdict.Delivered ? "delivered" : "withdrawn";
            }

            if (outcome.Verdict != AttemptVerdict.Retry || attempt > input.Waits.Count)
            {
                await context.CallActivityAsync<bool>(nameof(GiveUpActivity), new GiveUpActivity.Input(input.Message, attempt, outcome.Reason), untilStored);
                return "dead";
            }

            await context.CreateTimer(DeliveryRules.Wait(input.Message.Id, attempt, input.Waits[attempt - 1], input.Jitter, outcome.RetryAfter));
        }
    }
}
