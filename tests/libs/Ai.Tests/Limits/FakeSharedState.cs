using System.Text.Json;
using Ai.Sharing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ai.Tests.Limits;

/// <summary>A state store in memory, which may be away.</summary>
internal sealed class FakeSharedState : ISharedState
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Json, int Version, TimeSpan Ttl)> _documents = [];
    private int _reads;
    private int _writes;
    private int _conflicts;

    public bool IsAway { get; set; }

    /// <summary>Runs between a read and what follows it.</summary>
    public Action? AfterRead { get; set; }

    public int Reads => Volatile.Read(ref _reads);

    public int Writes => Volatile.Read(ref _writes);

    public int Conflicts => Volatile.Read(ref _conflicts);

    public SharedState Shared(TimeProvider time, Action<AiOptions>? configure = null) =>
        new(Scripted.Options(configure ?? (_ => { })), time, NullLogger<SharedState>.Instance, this);

    public (string Key, TimeSpan Ttl, string Json)[] Documents
    {
        get
        {
            lock (_gate)
            {
                return [.. _documents.Select(document => (document.Key, document.Value.Ttl, document.Value.Json))];
            }
        }
    }

    public Task<SharedDocument<T>> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class
    {
        Interlocked.Increment(ref _reads);
        ThrowIfAway();
        SharedDocument<T> found;
        lock (_gate)
        {
            found = _documents.TryGetValue(key, out var document)
                ? new SharedDocument<T>(JsonSerializer.Deserialize<T>(document.Json), $"{document.Version}")
                : default;
        }

        AfterRead?.Invoke();
        return Task.FromResult(found);
    }

    public Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        ThrowIfAway();
        lock (_gate)
        {
            Write(key, value, ttl);
        }

        return Task.CompletedTask;
    }

    public Task<bool> TryReplaceAsync<T>(string key, T value, string? etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        ThrowIfAway();
        lock (_gate)
        {
            if ((_documents.TryGetValue(key, out var there) ? $"{there.Version}" : null) != etag)
            {
                Interlocked.Increment(ref _conflicts);
                return Task.FromResult(false);
            }

            Write(key, value, ttl);
        }

        return Task.FromResult(true);
    }

    private void Write<T>(string key, T value, TimeSpan ttl)
    {
        _documents[key] = (JsonSerializer.Serialize(value), _documents.GetValueOrDefault(key).Version + 1, ttl);
        Interlocked.Increment(ref _writes);
    }

    private void ThrowIfAway()
    {
        if (IsAway)
        {
            throw new HttpRequestException("the store is away");
        }
    }
}
