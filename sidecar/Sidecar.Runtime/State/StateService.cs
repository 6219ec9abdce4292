using System.Diagnostics;
using System.Globalization;
using Sidecar.Abstractions;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.State;

/// <summary>One write as the API received it, before the key prefix.</summary>
public sealed record StateRequest(string Key, ReadOnlyMemory<byte>? Value, string? ETag, string? Concurrency, ComponentMetadata Metadata)
{
    /// <summary>Whether the value is JSON (HTTP); otherwise it is any bytes.</summary>
    public bool IsJson { get; init; }
}

/// <summary>State operations of one app instance (dapr-http §1).</summary>
public sealed class StateService(AppInstance app)
{
    private const string Separator = "||";

    /// <summary>The value, or null.</summary>
    public async Task<StateItem?> GetAsync(string store, string key, CancellationToken cancellationToken)
    {
        var component = Store(store);
        var prefixed = Prefix(store, key);
        return await RunAsync(store, "ERR_STATE_GET", async token => await component.GetAsync(prefixed, token), cancellationToken);
    }

    /// <summary>Values in the order of the keys.</summary>
    public async Task<IReadOnlyList<StateItem?>> GetManyAsync(string store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var component = Store(store);
        string[] prefixed = [.. keys.Select(key => Prefix(store, key))];
        return await RunAsync(store, "ERR_STATE_BULK_GET", async token => await component.GetManyAsync(prefixed, token), cancellationToken);
    }

    /// <summary>Saves items each on its own, as Dapr does without a transaction; all at a time, so that one flush serves many.</summary>
    public async Task SaveAsync(string store, IReadOnlyList<StateRequest> requests, CancellationToken cancellationToken)
    {
        var component = Store(store);
        StateWrite[] writes = [.. requests.Select(request => ToWrite(store, request))];
        await Task.WhenAll(writes.Select(write => RunAsync(store, "ERR_STATE_SAVE", token => WriteAsync(component, write, token), cancellationToken)));
    }

    /// <summary>Deletes a key; absent keys are no error.</summary>
    public Task DeleteAsync(string store, StateRequest request, CancellationToken cancellationToken) =>
        DeleteAsync(store, [request], "ERR_STATE_DELETE", cancellationToken);

    /// <summary>Deletes keys each on its own.</summary>
    public Task DeleteManyAsync(string store, IReadOnlyList<StateRequest> requests, CancellationToken cancellationToken) =>
        DeleteAsync(store, requests, "ERR_STATE_BULK_DELETE", cancellationToken);

    /// <summary>All or nothing, with the messages of the store's outbox. Every failure is 500, also a stale etag (as in Dapr).</summary>
    public async Task TransactAsync(string store, IReadOnlyList<StateRequest> requests, CancellationToken cancellationToken)
    {
        var component = Store(store);
        if (!component.Features.HasFlag(StateFeatures.Transactional))
        {
            throw StateErrors.NoTransactions(store);
        }

        if (app.Outboxes.Find(store) is not { } outbox)
        {
            await CommitAsync(store, component, [.. requests.Select(request => ToWrite(store, request))], cancellationToken);
            return;
        }

        var plan = outbox.Plan(requests);
        StateWrite[] writes = [.. plan.Stored.Select(request => ToWrite(store, request)), .. plan.Markers];
        await outbox.RunAsync(plan, () => CommitAsync(store, component, writes, cancellationToken), cancellationToken);
    }

    private async Task CommitAsync(string store, IStateStore component, StateWrite[] writes, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await app.Resiliency.ForOutbound(store, "Statestore").ExecuteAsync(
                async token =>
                {
                    await component.TransactAsync(writes, token);
                    return true;
                },
                _ => default, IsRetriable, app.Time, cancellationToken);
            app.Metrics?.State.Add(began, store, "transaction", "true");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            app.Metrics?.State.Add(began, store, "transaction", "false");
            throw new DaprErrorException(500, "ERR_STATE_TRANSACTION", exception.Message, innerException: exception);
        }
    }

    /// <summary>Stored key = prefix + <c>||</c> + key, by the component's metadata <c>keyPrefix</c>.</summary>
    public string Prefix(string store, string key)
    {
        if (key.Length == 0)
        {
            throw StateErrors.Malformed("a 'key' is missing");
        }

        if (key.Contains(Separator, StringComparison.Ordinal))
        {
            throw StateErrors.IllegalKey(key, store);
        }

        var prefix = KeyPrefix(store);
        return prefix.Length == 0 ? key : $"{prefix}{Separator}{key}";
    }

    /// <summary>The prefix of a component's keys without separator; empty for <c>none</c>.</summary>
    public string KeyPrefix(string store) => app.Components.Metadata(store)["keyPrefix"]?.ToLowerInvariant() switch
    {
        null or "" or "appid" => app.Instance.AppId,
        "name" => store,
        "namespace" => Environment.GetEnvironmentVariable("NAMESPACE") is { Length: > 0 } space ? $"{space}.{app.Instance.AppId}" : app.Instance.AppId,
        "none" => "",
        var literal => literal,
    };

    /// <summary>The component, or Dapr's error.</summary>
    public IStateStore Store(string store) => app.Components.Find<IStateStore>(store)
        ?? throw (app.Components.Any<IStateStore>()
            ? StateErrors.NotFound(store, app.Components.WhyMissing(store))
            : StateErrors.NotConfigured(app.Instance.AppId, app.Components.WhyMissing(store)));

    private async Task DeleteAsync(string store, IReadOnlyList<StateRequest> requests, string code, CancellationToken cancellationToken)
    {
        var component = Store(store);
        StateWrite[] writes = [.. requests.Select(request => ToWrite(store, request) with { Value = null, FirstWrite = false })];
        await Task.WhenAll(writes.Select(write => RunAsync(store, code, token => WriteAsync(component, write, token), cancellationToken)));
    }

    private static async Task<bool> WriteAsync(IStateStore component, StateWrite write, CancellationToken cancellationToken)
    {
        await component.WriteAsync(write, cancellationToken);
        return true;
    }

    private StateWrite ToWrite(string store, StateRequest request)
    {
        var firstWrite = request.Concurrency switch
        {
            null or "" or "last-write" => false,
            "first-write" => true,
            var other => throw StateErrors.Malformed($"unrecognized concurrency value '{other}'"),
        };
        TimeSpan? ttl = null;
        // That of the component is for those who say nothing; actors and workflows do not come this way and keep their rows.
        if ((request.Metadata["ttlInSeconds"] is { Length: > 0 } own ? own : app.Components.Metadata(store)["ttlInSeconds"]) is { Length: > 0 } text)
        {
            if (!long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var seconds))
            {
                throw StateErrors.Malformed($"ttlInSeconds '{text}' is not an integer");
            }

            if (seconds > int.MaxValue)
            {
                throw StateErrors.Malformed($"ttlInSeconds '{text}' is more than {int.MaxValue}");
            }

            ttl = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
        }

        return new StateWrite(Prefix(store, request.Key), request.Value, request.ETag, firstWrite && string.IsNullOrEmpty(request.ETag), ttl);
    }

    private async Task<T> RunAsync<T>(string store, string code, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            var result = await app.Resiliency.ForOutbound(store, "Statestore").ExecuteAsync(call, _ => default, IsRetriable, app.Time, cancellationToken);
            app.Metrics?.State.Add(began, store, Operation(code), "true");
            return result;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            app.Metrics?.State.Add(began, store, Operation(code), "false");
            throw StateErrors.Failed(code, store, exception);
        }
    }

    /// <summary>What daprd calls an operation in its metrics.</summary>
    private static string Operation(string code) => code switch
    {
        "ERR_STATE_GET" => "get",
        "ERR_STATE_BULK_GET" => "bulk_get",
        "ERR_STATE_SAVE" => "set",
        _ => "delete",
    };

    /// <summary>A condition that did not hold will not hold at the next attempt either.</summary>
    private static bool IsRetriable(Exception exception) => exception is not (ETagMismatchException or ETagInvalidException);
}
