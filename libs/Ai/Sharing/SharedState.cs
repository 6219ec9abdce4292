using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai.Sharing;

/// <summary>The shared state as the policies see it: it may be away at any time, which is never a call's failure and holds up no call twice.</summary>
internal sealed partial class SharedState(
    IOptions<AiOptions> options, TimeProvider time, ILogger<SharedState> logger, ISharedState? state = null)
{
    private readonly SharedStateOptions _options = options.Value.Store;
    private long _awayUntil = long.MinValue;

    /// <summary>Whether there is one at all.</summary>
    public bool Exists => state is not null && _options.Name.Length > 0;

    /// <summary>Whether it can be asked now.</summary>
    public bool IsThere => Exists && time.GetTimestamp() >= Volatile.Read(ref _awayUntil);

    /// <summary>How long it is left alone after a failure.</summary>
    public TimeSpan Pause => _options.Pause;

    /// <summary>Reads a document; null when the store is away or there is none to ask.</summary>
    public Task<SharedDocument<T>?> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class =>
        TryAsync<SharedDocument<T>?>(async token => await state!.ReadAsync<T>(key, token), cancellationToken);

    /// <summary>Writes a document, if the store is there.</summary>
    public Task<bool?> WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        TryAsync<bool?>(
            async token =>
            {
                await state!.WriteAsync(key, value, ttl, token);
                return true;
            },
            cancellationToken);

    /// <summary>As <see cref="ISharedState.TryReplaceAsync"/>; null when the store is away.</summary>
    public Task<bool?> TryReplaceAsync<T>(string key, T value, string? etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        TryAsync<bool?>(async token => await state!.TryReplaceAsync(key, value, etag, ttl, token), cancellationToken);

    private async Task<T?> TryAsync<T>(Func<CancellationToken, Task<T?>> ask, CancellationToken cancellationToken)
    {
        if (!IsThere)
        {
            return default;
        }

        using var timeout = new CancellationTokenSource(_options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await ask(either.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is, a caller's model call must not fail for it.
            Volatile.Write(ref _awayUntil, time.GetTimestamp() + (long)(_options.Pause.TotalSeconds * time.TimestampFrequency));
            LogAway(_options.Name, _options.Pause, exception);
            return default;
        }
    }

    [LoggerMessage(1940, LogLevel.Warning, "State store {Store} is away; model access goes on without it for {Pause}")]
    private partial void LogAway(string store, TimeSpan pause, Exception exception);
}
