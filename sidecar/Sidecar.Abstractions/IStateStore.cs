namespace Sidecar.Abstractions;

/// <summary>
/// A key-value store. Keys arrive with the app's prefix already applied. Every write is durable when the returned task
/// completes, to the degree the store promises.
/// </summary>
public interface IStateStore : IComponent
{
    /// <summary>What the store can do; shown by the metadata API.</summary>
    StateFeatures Features { get; }

    /// <summary>The live value, or null when the key is absent or expired.</summary>
    ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>Values in the order of the keys; null where absent. Each is read on its own: no snapshot across keys.</summary>
    ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken);

    /// <summary>
    /// Performs one write. Throws <see cref="ETagMismatchException"/> when its condition does not hold and
    /// <see cref="ETagInvalidException"/> when the etag has not this store's form.
    /// </summary>
    ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken);

    /// <summary>
    /// Performs all writes or none, in order. Throws as <see cref="WriteAsync"/>. Stores without
    /// <see cref="StateFeatures.Transactional"/> throw <see cref="NotSupportedException"/>.
    /// </summary>
    ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken);
}

/// <summary>A store that can list keys; wanted of a store that holds workflows, which are found again by listing after a restart.</summary>
public interface IKeyListing
{
    /// <summary>All live keys that begin with the prefix, in ordinal order. Keys written while it runs may or may not appear.</summary>
    IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken);
}

/// <summary>Capabilities of a state store, named as in Dapr's metadata API.</summary>
[Flags]
public enum StateFeatures
{
    /// <summary>Plain get and set.</summary>
    None = 0,
    /// <summary><c>ETAG</c></summary>
    ETag = 1,
    /// <summary><c>TRANSACTIONAL</c></summary>
    Transactional = 2,
    /// <summary><c>TTL</c></summary>
    Ttl = 4,
    /// <summary><c>ACTOR</c>: usable as actorStateStore, which also holds workflows.</summary>
    Actor = 8,
    /// <summary><c>DELETE_WITH_PREFIX</c></summary>
    DeleteWithPrefix = 16,
}

/// <summary>A stored value.</summary>
/// <param name="Value">The bytes as written.</param>
/// <param name="ETag">Opaque; changes with every write.</param>
/// <param name="ExpiresAt">When the value vanishes, or null.</param>
public sealed record StateItem(ReadOnlyMemory<byte> Value, string ETag, DateTimeOffset? ExpiresAt);

/// <summary>One conditional write.</summary>
/// <param name="Key">Prefixed key.</param>
/// <param name="Value">New bytes; null deletes the key (deleting an absent key succeeds).</param>
/// <param name="ETag">When given, the write happens only if the live value has this etag.</param>
/// <param name="FirstWrite">Without an etag: the write happens only if the key is absent or expired (Dapr's <c>first-write</c>).</param>
/// <param name="Ttl">Time to live; null keeps the value for good, also when an earlier value had a TTL.</param>
public sealed record StateWrite(string Key, ReadOnlyMemory<byte>? Value, string? ETag = null, bool FirstWrite = false, TimeSpan? Ttl = null);

/// <summary>The condition of a write did not hold (HTTP 409, gRPC ABORTED).</summary>
public sealed class ETagMismatchException : Exception
{
    /// <summary>Names the key.</summary>
    public ETagMismatchException(string key) : base($"possible etag mismatch on key '{key}'") => Key = key;

    /// <summary>The key whose condition failed.</summary>
    public string Key { get; }
}

/// <summary>The etag has not the form that the store gives out (HTTP 400, gRPC INVALID_ARGUMENT).</summary>
public sealed class ETagInvalidException : Exception
{
    /// <summary>Names the key.</summary>
    public ETagInvalidException(string key) : base($"invalid etag value on key '{key}'") => Key = key;

    /// <summary>The key of the write.</summary>
    public string Key { get; }
}
