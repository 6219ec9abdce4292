using Sidecar.Abstractions;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.Locks;

/// <summary>Locks of one app (dapr-http §9). Those of different apps meet only where the component's <c>keyPrefix</c> lets them.</summary>
public sealed class LockService(AppInstance app)
{
    /// <summary>The store; checked before the rest of a request, as the other errors name it.</summary>
    public ILockStore Store(string store) => app.Components.Find<ILockStore>(store) ?? throw (app.Components.Any<ILockStore>()
        ? new DaprErrorException(400, "ERR_LOCK_STORE_NOT_FOUND", $"lock store {store} not found{app.Components.WhyMissing(store)}")
        : new DaprErrorException(500, "ERR_LOCK_STORE_NOT_CONFIGURED", $"lock store is not configured{app.Components.WhyMissing(store)}"));

    /// <summary>One try.</summary>
    public async Task<bool> TryLockAsync(string store, string? resource, string? owner, int? expirySeconds, CancellationToken cancellationToken)
    {
        var component = Store(store);
        var id = ResourceId(store, resource, owner);
        if (expirySeconds is not > 0)
        {
            throw Malformed($"ExpiryInSeconds is not positive in lock store {store}");
        }

        try
        {
            return await Policy(store).ExecuteAsync(
                token => component.TryLockAsync(id, owner!, TimeSpan.FromSeconds(expirySeconds.Value), token).AsTask(), _ => default, _ => true, app.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new DaprErrorException(500, "ERR_TRY_LOCK", $"failed to try acquiring lock: {exception.Message}", innerException: exception);
        }
    }

    /// <summary>Gives a lock back.</summary>
    public async Task<UnlockStatus> UnlockAsync(string store, string? resource, string? owner, CancellationToken cancellationToken)
    {
        var component = Store(store);
        var id = ResourceId(store, resource, owner);
        try
        {
            return await Policy(store).ExecuteAsync(
                token => component.UnlockAsync(id, owner!, token).AsTask(), _ => default, _ => true, app.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new DaprErrorException(500, "ERR_UNLOCK", $"failed to release lock: {exception.Message}", innerException: exception);
        }
    }

    private ExecutionPolicy Policy(string store) => app.Resiliency.ForOutbound(store, "Lock");

    private string ResourceId(string store, string? resource, string? owner) =>
        string.IsNullOrEmpty(resource) ? throw Malformed($"ResourceId is empty in lock store {store}")
        : string.IsNullOrEmpty(owner) ? throw Malformed($"LockOwner is empty in lock store {store}")
        : app.State.KeyPrefix(store) is { Length: > 0 } prefix ? $"lock||{prefix}||{resource}"
        : $"lock||{resource}";

    private static DaprErrorException Malformed(string message) => new(400, "ERR_MALFORMED_REQUEST", message);
}
