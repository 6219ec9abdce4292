using System.Text.Json;
using Contracts;
using Contracts.Desk;
using Dapr.Workflow;
using ServiceDefaults;

namespace Desk.Callbacks;

/// <summary>
/// Keeps a message that could not be delivered as a dead letter of its topic, so that <c>daprw dead</c> lists and replays it. Idempotent by message.
/// </summary>
public sealed class GiveUpActivity(DeadLetterStore letters, Deliveries deliveries) : WorkflowActivity<GiveUpActivity.Input, bool>
{
    /// <summary>Input.</summary>
    public sealed record Input(CallbackDue Message, int Attempts, string Reason);

    public override async Task<bool> RunAsync(WorkflowActivityContext context, Input input)
    {
        var message = input.Message;
        await letters.StoreAsync(
            new DeadLetter(
                $"{message.Id}", DeskTopics.CallbackDue, JsonSerializer.SerializeToElement(message, TandemJson.Options),
                $"given up after attempt {input.Attempts}: {input.Reason}", default, Components.PubSub, Apps.Desk, "application/json"),
            CancellationToken.None);
        await deliveries.GiveUpAsync(message.Id, CancellationToken.None);
        return true;
    }
}
