using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.Idempotency;

/// <summary>The documents of keys. Every change is a compare-and-set by etag, so of several replicas one has the key.</summary>
internal sealed partial class KeyStore(DaprClient dapr, TimeProvider time, IOptions<IdempotencyOptions> options, ILogger<KeyStore> logger)
{
    private readonly IdempotencyOptions _options = options.Value;

    /// <summary>
    /// Takes a key for a run, when it is unknown, free, or its run of the same request stopped without an end. Returns what is stored then: the
    /// key is the caller's when it names <paramref name="owner"/>.
    /// </summary>
    public Task<IdempotentRequest> TakeAsync(string key, string fingerprint, string owner, CancellationToken cancellationToken) => UpdateAsync(
        key,
        stored => stored is null || stored.Fingerprint.Length == 0
            || (stored.Fingerprint == fingerprint && stored.Owner != owner && stored.Answer is null && stored.LeaseUntil <= time.GetUtcNow())
                ? Running(fingerprint, owner)
                : stored,
        cancellationToken);

    /// <summary>Renews the lease until it is stopped; cancels <paramref name="lost"/> when that fails, before another run can have begun.</summary>
    public async Task HoldAsync(string key, IdempotentRequest taken, CancellationTokenSource lost, CancellationToken cancellationToken)
    {
        var margin = _options.Lease / 6;
        while (true)
        {
            await Task.Delay(_options.Lease / 3, time, cancellationToken);
            var left = taken.LeaseUntil - margin - time.GetUtcNow();
            using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                var stored = await UpdateAsync(
                    key, stored => stored is null || stored.Owner == taken.Owner ? Running(taken.Fingerprint, taken.Owner) : stored, both.Token);
                if (stored.Owner == taken.Owner)
                {
                    taken = stored;
                    continue;
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is DaprException or OperationCanceledException)
            {
                if (!limit.IsCancellationRequested)
                {
                    continue;
                }
            }

            LogLost(logger, key);
            await lost.CancelAsync();
            return;
        }
    }

    /// <summary>Keeps the answer; null frees the key for any request.</summary>
    public async Task EndAsync(string key, IdempotentRequest taken, KeptAnswer? answer)
    {
        try
        {
            // No token: the request was carried out, whoever has left meanwhile.
            await UpdateAsync(
                key,
                stored => stored is not null && stored.Owner != taken.Owner ? stored
                    : answer is null ? new IdempotentRequest("", taken.Owner, DateTimeOffset.MinValue)
                    : taken with { Answer = answer },
                CancellationToken.None);
        }
        catch (DaprException exception)
        {
            // The answer is true all the same; the key can be used again when its lease has ended.
            LogNotKept(logger, exception, key);
        }
    }

    private IdempotentRequest Running(string fingerprint, string owner) => new(fingerprint, owner, time.GetUtcNow() + _options.Lease);

    private Task<IdempotentRequest> UpdateAsync(string key, Func<IdempotentRequest?, IdempotentRequest> change, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync(Components.StateStore, key, change, _options.Keep, cancellationToken);

    [LoggerMessage(1010, LogLevel.Warning, "The lease of idempotency key {Key} was lost; its request is stopped")]
    private static partial void LogLost(ILogger logger, string key);

    [LoggerMessage(1011, LogLevel.Warning, "The answer under idempotency key {Key} could not be kept")]
    private static partial void LogNotKept(ILogger logger, Exception exception, string key);
}
