using Contracts.Desk;
using Dapr.Workflow;

namespace Desk.Callbacks;

/// <summary>What a delivery starts from; the instance id is the message's. Waits and jitter are part of it so that a replay sees what the first run saw.</summary>
/// <param name="Message">What is to be delivered.</param>
/// <param name="Waits">Between attempts.</param>
/// <param name="Jitter">Share by which a wait varies.</param>
public sealed record CallbackInput(CallbackDue Message, IReadOnlyList<TimeSpan> Waits, double Jitter);

/// <summary>
/// Delivers one message: an activity per attempt and a durable timer in between, so it outlives every process. Ends as <c>delivered</c>, <c>dead</c>, or
/// <c>withdrawn</c> when its owner was erased. A receiver may get a message twice, when a process dies between its answer and our note of it; it knows it by
/// its id.
/// </summary>
public sealed class CallbackWorkflow : Workflow<CallbackInput, string>
{
    /// <summary>Retries of what only needs our own stores: a store that is away may cost time, never a message.</summary>
    private static readonly WorkflowTaskOptions UntilStored = new(new WorkflowRetryPolicy(
        int.MaxValue, TimeSpan.FromSeconds(1), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30), retryTimeout: TimeSpan.FromDays(7)));

    public override async Task<string> RunAsync(WorkflowContext context, CallbackInput input)
    {
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await context.CallActivityAsync<AttemptOutcome>(nameof(DeliverActivity), new DeliverActivity.Input(input.Message, attempt), UntilStored);
            if (outcome.Verdict is AttemptVerdict.Delivered or AttemptVerdict.Withdrawn)
            {
                return outcome.Verdict == AttemptVerdict.Delivered ? "delivered" : "withdrawn";
            }

            if (outcome.Verdict != AttemptVerdict.Retry || attempt > input.Waits.Count)
            {
                await context.CallActivityAsync<bool>(nameof(GiveUpActivity), new GiveUpActivity.Input(input.Message, attempt, outcome.Reason), UntilStored);
                return "dead";
            }

            await context.CreateTimer(DeliveryRules.Wait(input.Message.Id, attempt, input.Waits[attempt - 1], input.Jitter, outcome.RetryAfter));
        }
    }
}
