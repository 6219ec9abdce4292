using Ai.Sharing;

namespace Load.Models;

/// <summary>A state store that answers at once and counts the reads, before calls and behind them; what it is given it forgets.</summary>
internal sealed class CountedState : ISharedState
{
    private long _asked;

    public long Asked => Volatile.Read(ref _asked);

    public Task<SharedDocument<T>> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class
    {
        Interlocked.Increment(ref _asked);
        return Task.FromResult(default(SharedDocument<T>));
    }

    public Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class => Task.CompletedTask;

    public Task<bool> TryReplaceAsync<T>(string key, T value, string? etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        Task.FromResult(true);
}
