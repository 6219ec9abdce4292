using System.Globalization;
using Dapr;
using Dapr.Client;

namespace ServiceDefaults;

/// <summary>Read, change and compare-and-set of one state document: the way every app updates what several replicas may touch.</summary>
public static class StateDocuments
{
    private const int MaxTries = 10;

    /// <summary>
    /// Applies a change to a document under its etag and returns what is stored then. The change gets null when there is no
    /// document and returns the new one, or the same reference to leave it as it is; it may run several times and must have no
    /// other effect; it may also meet its own result, when the answer to a write was lost. Up to ten jittered tries, then
    /// <see cref="DaprException"/> with the last failure inside.
    /// </summary>
    public static Task<T> UpdateStateAsync<T>(
        this DaprClient dapr, string store, string key, Func<T?, T> change, TimeSpan? ttl = null, CancellationToken cancellationToken = default)
        where T : class => dapr.UpdateStateAsync(store, key, change, _ => ttl, cancellationToken);

    /// <summary>The same where the time to live depends on what is stored; null keeps it for good.</summary>
    public static async Task<T> UpdateStateAsync<T>(
        this DaprClient dapr, string store, string key, Func<T?, T> change, Func<T, TimeSpan?> ttl, CancellationToken cancellationToken = default)
        where T : class
    {
        var options = new StateOptions { Concurrency = ConcurrencyMode.FirstWrite };
        for (var attempt = 1; ; attempt++)
        {
            var (stored, etag) = await dapr.GetStateAndETagAsync<T?>(store, key, cancellationToken: cancellationToken);
            var changed = change(stored);
            if (ReferenceEquals(changed, stored))
            {
                return changed;
            }

            var metadata = ttl(changed) is { } time
                ? new Dictionary<string, string> { ["ttlInSeconds"] = ((long)time.TotalSeconds).ToString(CultureInfo.InvariantCulture) }
                : null;
            DaprException? failure = null;
            try
            {
                if (await TrySaveAsync(dapr, store, key, changed, stored is null ? null : etag, options, metadata, cancellationToken))
                {
                    return changed;
                }
            }
            catch (DaprException exception) when (stored is null && !cancellationToken.IsCancellationRequested)
            {
                // Somebody else was first, or the outcome is unknown: the next read tells.
                failure = exception;
            }

            if (attempt == MaxTries)
            {
                var message = $"'{key}' could not be written in {MaxTries} attempts";
                throw failure is null ? new DaprException(message) : new DaprException(message, failure);
            }

            await Task.Delay(Random.Shared.Next(2, 20 * attempt), cancellationToken);
        }
    }

    /// <summary>
    /// Stores a document that nobody changes any more and returns what is stored: the first write stays, and whoever loses gets the winner's. Throws
    /// <see cref="DaprException"/> when nothing is stored.
    /// </summary>
    public static async Task<T> SaveOnceAsync<T>(
        this DaprClient dapr, string store, string key, T value, TimeSpan ttl, CancellationToken cancellationToken = default)
        where T : class
    {
        try
        {
            await dapr.SaveStateAsync(
                store, key, value, new StateOptions { Concurrency = ConcurrencyMode.FirstWrite },
                new Dictionary<string, string> { ["ttlInSeconds"] = ((long)ttl.TotalSeconds).ToString(CultureInfo.InvariantCulture) }, cancellationToken);
            return value;
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            // A conflict, or a failure after the write: what is stored decides.
            if (await dapr.GetStateAsync<T?>(store, key, cancellationToken: cancellationToken) is { } stored)
            {
                return stored;
            }

            throw;
        }
    }

    private static async Task<bool> TrySaveAsync<T>(
        DaprClient dapr, string store, string key, T value, string? etag, StateOptions options, Dictionary<string, string>? metadata,
        CancellationToken cancellationToken)
    {
        if (etag is not null)
        {
            return await dapr.TrySaveStateAsync(store, key, value, etag, options, metadata, cancellationToken);
        }

        await dapr.SaveStateAsync(store, key, value, options, metadata, cancellationToken);
        return true;
    }
}
