using System.Globalization;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>
/// What one consumer says to the server about its group of a stream. What it has in its hands is pending under its own name; what it has
/// handed back is pending under that of the group, which is the one consumer that daprd has, and is claimed from there.
/// </summary>
internal sealed class StreamGroup(RedisClient client, PubSubOptions options, string topic, string consumer)
{
    /// <summary>Begin of the names of this sidecar's consumers.</summary>
    public const string ConsumerPrefix = "tandem-";

    /// <summary>Begin of the names of those whose group ends with them.</summary>
    public const string EphemeralPrefix = "tandem-ephemeral-";

    private readonly RedisArgument[] _keys = [topic];

    /// <summary>Who holds what was handed back.</summary>
    private readonly string _parked = options.Ephemeral ? EphemeralPrefix + "parked" : options.Group;

    /// <summary>Where an ephemeral group goes on when it has to be made again: after the last message it got.</summary>
    private string? _position;

    public string Topic => topic;

    public string Name => options.Group;

    /// <summary>Told whenever a message of the group is handed back.</summary>
    public string Channel { get; } = $"{topic}:{options.Group}:returned";

    /// <summary><c>XGROUP CREATE topic group 0 MKSTREAM</c>; an ephemeral group begins at the end instead.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        if (options.Ephemeral)
        {
            _position ??= await EndAsync(cancellationToken);
        }

        // The consumer says whose group it is from its first moment, see CleanAsync.
        var replies = await client.ExecuteManyAsync(
            [
                RedisCommand.Of("XGROUP", "CREATE", topic, options.Group, _position ?? "0", "MKSTREAM"),
                RedisCommand.Of("XGROUP", "CREATECONSUMER", topic, options.Group, consumer),
            ],
            cancellationToken);
        foreach (var failure in replies.Where(reply => reply.IsError).Select(reply => reply.ToException()))
        {
            // BUSYGROUP: another consumer has made it.
            if (failure.Code != "BUSYGROUP")
            {
                throw failure;
            }
        }
    }

    /// <summary><c>XREADGROUP GROUP group consumer COUNT n BLOCK ms STREAMS topic &gt;</c></summary>
    public async Task<IReadOnlyList<StreamEntry>> ReadAsync(RedisClient reader, int count, TimeSpan block)
    {
        // 0 would be without end.
        var milliseconds = Math.Max(1, (long)block.TotalMilliseconds);
        var reply = await reader.ExecuteBlockingAsync(
            RedisCommand.Of("XREADGROUP", "GROUP", options.Group, consumer, "COUNT", count, "BLOCK", milliseconds, "STREAMS", topic, ">"),
            TimeSpan.FromMilliseconds(milliseconds));
        if (reply.IsNull)
        {
            return [];
        }

        // A map of one stream.
        StreamEntry[] entries = [.. reply[1].Items.Select(entry => StreamEntry.Read(entry))];
        _position = options.Ephemeral ? entries[^1].Id : null;
        return entries;
    }

    /// <summary>Claims what waits for its redelivery no longer, or whose consumer is silent. Also names what the stream has lost meanwhile.</summary>
    public async Task<(IReadOnlyList<StreamEntry> Claimed, IReadOnlyList<string> Lost)> ClaimAsync(int count)
    {
        var reply = await client.EvaluateAsync(StreamScripts.Claim, _keys, [options.Group, consumer, Milliseconds(options.ClaimAfter), count], default);
        return (
            [.. reply[0].Items.Select(claimed => StreamEntry.Read(claimed, (int)claimed[2].AsInt64()))],
            [.. reply[1].Items.Select(id => id.AsString()!)]);
    }

    /// <summary><c>XACK topic group id</c></summary>
    public async Task AcknowledgeAsync(string id) => await client.ExecuteAsync(RedisCommand.Of("XACK", topic, options.Group, id), default);

    /// <summary>Has a failed message redelivered after the interval.</summary>
    public Task FailAsync(string id) => GiveAsync(_parked, options.FailedIdle, 0, "", [id]);

    /// <summary>Hands messages to the other consumers, at once and uncounted.</summary>
    public Task ReturnAsync(IEnumerable<string> ids) => GiveAsync(_parked, PubSubOptions.ReturnedIdle, 1, Channel, ids);

    /// <summary>Keeps the others from claiming messages; returns those that they have claimed already.</summary>
    public Task<IReadOnlyList<string>> KeepAsync(IEnumerable<string> ids) => GiveAsync(consumer, TimeSpan.Zero, 0, "", ids);

    /// <summary>Ids of at most so many messages that the server thinks this consumer has.</summary>
    public async Task<IReadOnlyList<string>> PendingAsync(int count)
    {
        var reply = await client.ExecuteAsync(RedisCommand.Of("XPENDING", topic, options.Group, "-", "+", count, consumer), default);
        return [.. reply.Items.Select(pending => pending[0].AsString()!)];
    }

    /// <summary>Hands back what the consumer has and removes it, and the group with it when it is ephemeral.</summary>
    public async Task LeaveAsync()
    {
        if (options.Ephemeral)
        {
            await client.ExecuteAsync(RedisCommand.Of("XGROUP", "DESTROY", topic, options.Group), default);
        }
        else
        {
            await client.EvaluateAsync(
                StreamScripts.Leave, _keys, [options.Group, consumer, _parked, Milliseconds(PubSubOptions.ReturnedIdle), Channel], default);
        }
    }

    /// <summary>Removes the consumers and ephemeral groups that killed processes have left: nothing was heard of them for so long.</summary>
    public async Task CleanAsync(TimeSpan deadAfter, CancellationToken cancellationToken) => await client.EvaluateAsync(
        StreamScripts.Clean, _keys, [options.Group, ConsumerPrefix, EphemeralPrefix, Milliseconds(deadAfter)], cancellationToken);

    private async Task<string> EndAsync(CancellationToken cancellationToken)
    {
        if ((await client.ExecuteAsync(RedisCommand.Of("EXISTS", topic), cancellationToken)).AsInt64() == 0)
        {
            return "0";
        }

        var stream = await client.ExecuteAsync(RedisCommand.Of("XINFO", "STREAM", topic), cancellationToken);
        for (var i = 0; i + 1 < stream.Items.Count; i += 2)
        {
            if (stream[i].AsString() == "last-generated-id")
            {
                return stream[i + 1].AsString()!;
            }
        }

        return "$";
    }

    private async Task<IReadOnlyList<string>> GiveAsync(string successor, TimeSpan idle, int uncounted, string channel, IEnumerable<string> ids)
    {
        RedisArgument[] arguments = [options.Group, consumer, successor, Milliseconds(idle), uncounted, channel, .. ids.Select(id => (RedisArgument)id)];
        var others = await client.EvaluateAsync(StreamScripts.Give, _keys, arguments, default);
        return [.. others.Items.Select(id => id.AsString()!)];
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
