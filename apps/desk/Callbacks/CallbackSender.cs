using System.Text.Json;
using Contracts;
using Contracts.Desk;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.GuardedFetch;

namespace Desk.Callbacks;

/// <summary>The one way to have something sent to a receiver outside of the platform.</summary>
public sealed class CallbackSender(DaprClient dapr, Deliveries deliveries, GuardedPostClient client, IOptions<CallbackOptions> options)
{
    /// <summary>Why nothing would be sent to an address; null when nothing speaks against it.</summary>
    public FetchFailure? Refusal(string url) => client.Refusal(url);

    /// <summary>
    /// Accepts a message; when this returns it will be delivered or be a dead letter, whatever dies. Order: log, then event. Idempotent by id: the caller repeats
    /// what has thrown. For somebody who has deleted the account nothing is sent.
    /// </summary>
    /// <param name="id">Message; derived from what it tells, so that the same is never told under two ids.</param>
    /// <param name="type">What happened, such as <c>desk.classified</c>.</param>
    /// <param name="url">Receiver.</param>
    /// <param name="userId">Whose request it answers.</param>
    /// <param name="at">When it happened.</param>
    /// <param name="data">What is told.</param>
    /// <param name="cancellationToken">Gives up; nothing or all of it was accepted.</param>
    public async Task SendAsync<T>(Guid id, string type, string url, string userId, DateTimeOffset at, T data, CancellationToken cancellationToken)
    {
        var body = options.Value.Format == CallbackFormat.Original
            ? JsonSerializer.Serialize(data, TandemJson.Options)
            : JsonSerializer.Serialize(new Envelope<T>(type, at, data), TandemJson.Options);
        var delivery = await deliveries.AddAsync(id, userId, at, cancellationToken);
        // One that was given up begins anew, since its owner asks again. But a receiver that wants nothing any more is only asked by who replays the letter.
        if (delivery is null or { State: DeliveryState.Delivered } || (delivery.State == DeliveryState.Dead && await deliveries.IsGoneAsync(url, cancellationToken)))
        {
            return;
        }

        await dapr.PublishEventAsync(
            Components.PubSub, DeskTopics.CallbackDue, new CallbackDue(id, at, url, body), new Dictionary<string, string> { ["cloudevent.id"] = $"{id}" }, cancellationToken);
    }

    /// <summary>The payload of Standard Webhooks.</summary>
    private sealed record Envelope<T>(string Type, DateTimeOffset Timestamp, T Data);
}
