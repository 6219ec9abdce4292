using System.Globalization;
using System.Runtime.CompilerServices;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.State;

/// <summary>
/// <c>state.redis</c> in the layout of Dapr (dapr/config §9.1): what either engine wrote the other reads. Stricter where Dapr's store
/// breaks a promise of <see cref="IStateStore"/>: a transaction happens wholly or not at all, an etag never fits an absent key, first-write never
/// replaces a value, a write without a TTL ends the earlier one. A new value's version is the server's time in microseconds, so that an etag of
/// its predecessor does not come again; Dapr's begin with 1.
/// </summary>
internal sealed class RedisStateStore(ComponentContext context) : RedisComponent(context), IStateStore, IKeyListing
{
    /// <summary>Keys read by one call of the script, during which the server does nothing else.</summary>
    private const int KeysPerRead = 100;

    private static readonly RedisArgument Empty = "";

    public StateFeatures Features => StateFeatures.ETag | StateFeatures.Transactional | StateFeatures.Ttl | StateFeatures.Actor;

    public async ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken)
    {
        var rows = await EvaluateAsync(StateScripts.Read, [key], [], cancellationToken);
        return ToItem(key, rows[0]);
    }

    public async ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        // All calls are on their way at once; the connection sends them one after the other.
        var chunks = await Task.WhenAll(keys.Chunk(KeysPerRead).Select(async chunk =>
        {
            var rows = await EvaluateAsync(StateScripts.Read, [.. chunk.Select(key => (RedisArgument)key)], [], cancellationToken);
            return chunk.Select((key, index) => ToItem(key, rows[index])).ToArray();
        }));
        return chunks.Length == 1 ? chunks[0] : [.. chunks.SelectMany(items => items)];
    }

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) =>
        // Only a write of its own is marked: Dapr's transactions do not say first-write.
        RunAsync([write], write.FirstWrite && string.IsNullOrEmpty(write.ETag), cancellationToken);

    public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) =>
        writes.Count == 0 ? ValueTask.CompletedTask : RunAsync(writes, marked: false, cancellationToken);

    public async IAsyncEnumerable<string> ListKeysAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The server has no order and may name a key twice.
        foreach (var key in (await RedisKeys.ScanAsync(Client, prefix, cancellationToken)).Order(StringComparer.Ordinal))
        {
            yield return key;
        }
    }

    protected override Task StartAsync(CancellationToken cancellationToken)
    {
        // The runtime gives it to writes that have none of their own; here it is only read.
        Context.Metadata.Int("ttlInSeconds", 0);
        return Task.CompletedTask;
    }

    private async ValueTask RunAsync(IReadOnlyList<StateWrite> writes, bool marked, CancellationToken cancellationToken)
    {
        var keys = new RedisArgument[writes.Count];
        var arguments = new RedisArgument[writes.Count * StateScripts.ArgumentsPerWrite];
        for (var index = 0; index < writes.Count; index++)
        {
            keys[index] = writes[index].Key;
            Describe(writes[index], marked, arguments.AsSpan(index * StateScripts.ArgumentsPerWrite));
        }

        var refused = (await EvaluateAsync(StateScripts.Write, keys, arguments, cancellationToken)).AsInt64();
        if (refused > 0)
        {
            throw new ETagMismatchException(writes[(int)refused - 1].Key);
        }

        if (refused < 0)
        {
            throw new InvalidOperationException($"key '{writes[(int)-refused - 1].Key}' was created with first-write: it is written with its etag only, or deleted first");
        }
    }

    /// <summary>The arguments of one write, as <see cref="StateScripts.Write"/> takes them. Throws when its etag is none of ours.</summary>
    private static void Describe(StateWrite write, bool marked, Span<RedisArgument> arguments)
    {
        arguments[0] = write.Value is null ? "del" : marked ? "first" : "set";
        if (string.IsNullOrEmpty(write.ETag))
        {
            (arguments[1], arguments[2]) = (write.FirstWrite ? "absent" : "any", Empty);
        }
        else
        {
            (arguments[1], arguments[2]) = ("etag", long.TryParse(write.ETag, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
                ? version
                : throw new ETagInvalidException(write.Key));
        }

        arguments[3] = write.Value is { } value ? value : Empty;
        arguments[4] = write.Ttl is { } ttl ? (long)Math.Ceiling(ttl.TotalMilliseconds) : Empty;
    }

    private static StateItem? ToItem(string key, RedisReply row)
    {
        if (row.IsNull)
        {
            return null;
        }

        var (data, version, ends) = (row[0], row[1], row[2].AsInt64());
        if (data.IsError)
        {
            throw new InvalidDataException($"key '{key}' holds no value of a state store: {data.AsString()}");
        }

        return data.IsNull || version.IsNull
            ? throw new InvalidDataException($"key '{key}' holds no value of a state store: its hash lacks the field {(data.IsNull ? "data" : "version")}")
            : new StateItem(data.AsBytes(), version.AsString()!, ends < 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ends));
    }
}
