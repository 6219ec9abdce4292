using System.Text.Json;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults;

/// <summary>A message that its app could not handle: the document <c>dead:{topic}:{id}</c> of the app's state.</summary>
/// <param name="Id">CloudEvent id.</param>
/// <param name="Topic">Topic it was published on.</param>
/// <param name="Payload">The event's data; a JSON string when it is no JSON.</param>
/// <param name="Reason">Why it was not handled; null on real Dapr when another replica had it, or no handler was reached.</param>
/// <param name="Ts">When it was stored first.</param>
/// <param name="Component">Pub/sub component of the topic; null in those of earlier versions, as are the following.</param>
/// <param name="Source">App that published it.</param>
/// <param name="ContentType">Of the payload.</param>
public sealed record DeadLetter(
    string Id, string Topic, JsonElement Payload, string? Reason, DateTimeOffset Ts, string? Component = null, string? Source = null, string? ContentType = null);

/// <summary>The dead letters of a topic: the document <c>dead:{topic}</c> of the app's state.</summary>
/// <param name="Count">All that ever came.</param>
/// <param name="Ids">Those that are kept, newest first.</param>
public sealed record DeadLetterIndex(long Count, IReadOnlyList<string> Ids);

/// <summary>The topics of which an app has had dead letters: the document <c>dead</c> of its state, where <c>daprw dead</c> begins.</summary>
/// <param name="Topics">In the order of their first one.</param>
public sealed record DeadLetterTopics(IReadOnlyList<string> Topics);

/// <summary>Stores the dead letters of this app's subscriptions. Idempotent by topic and CloudEvent id, bounded by <see cref="DeadLetterOptions"/>.</summary>
public sealed partial class DeadLetterStore(
    DaprClient dapr, IOptions<DeadLetterOptions> options, DeliveryFailures failures, TimeProvider time, ILogger<DeadLetterStore> logger)
{
    /// <summary>Key of the list of topics.</summary>
    public const string TopicsKey = "dead";

    /// <summary>Key of a topic's index.</summary>
    public static string IndexKey(string topic) => $"dead:{topic}";

    /// <summary>Key of a dead letter.</summary>
    public static string Key(string topic, string id) => $"dead:{topic}:{id}";

    /// <summary>Stores one and logs it, the first time that it comes. Its time is now, and without a reason it is the one that this replica knows.</summary>
    public async Task StoreAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        var (id, topic) = (letter.Id, letter.Topic);
        var index = await dapr.GetStateAsync<DeadLetterIndex?>(Components.StateStore, IndexKey(topic), cancellationToken: cancellationToken);
        if (index?.Ids.Contains(id) == true)
        {
            return;
        }

        if (index is null)
        {
            await dapr.UpdateStateAsync<DeadLetterTopics>(
                Components.StateStore, TopicsKey, stored => stored is null ? new DeadLetterTopics([topic]) : stored.Topics.Contains(topic) ? stored : new DeadLetterTopics([.. stored.Topics, topic]),
                cancellationToken: cancellationToken);
        }

        // The letter first: what the index names exists.
        var (kept, retention) = (options.Value.Kept, options.Value.Retention);
        letter = letter with { Reason = letter.Reason ?? failures.Find(topic, id), Ts = time.GetUtcNow() };
        await dapr.SaveStateAsync(
            Components.StateStore, Key(topic, id), letter,
            metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)retention.TotalSeconds).ToString("D") }, cancellationToken: cancellationToken);

        IReadOnlyList<string> dropped = [];
        var isNew = false;
        index = await dapr.UpdateStateAsync<DeadLetterIndex>(
            Components.StateStore, IndexKey(topic),
            stored =>
            {
                var ids = stored?.Ids ?? [];
                isNew = !ids.Contains(id);
                dropped = isNew ? [.. ids.Skip(kept - 1)] : [];
                return isNew ? new DeadLetterIndex((stored?.Count ?? 0) + 1, [id, .. ids.Take(kept - 1)]) : stored!;
            },
            retention, cancellationToken);
        foreach (var old in dropped)
        {
            await dapr.DeleteStateAsync(Components.StateStore, Key(topic, old), cancellationToken: cancellationToken);
        }

        if (isNew)
        {
            LogDead(logger, id, topic, letter.Reason ?? "unknown", index.Count);
        }
    }

    [LoggerMessage(910, LogLevel.Error, "Message {MessageId} of {Topic} is a dead letter and stored; reason: {Reason}; {Count} of this topic so far")]
    private static partial void LogDead(ILogger logger, string messageId, string topic, string reason, long count);
}
