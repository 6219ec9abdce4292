using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary><c>lock.in-memory</c>: locks of one component name, by the host's clock.</summary>
internal sealed class MemoryLockStore(Dictionary<string, (string Owner, DateTimeOffset Until)> locks, TimeProvider time) : ILockStore
{
    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<bool> TryLockAsync(string resourceId, string owner, TimeSpan expiry, CancellationToken cancellationToken)
    {
        lock (locks)
        {
            if (IsHeld(resourceId, out _))
            {
                return new(false);
            }

            locks[resourceId] = (owner, time.GetUtcNow() + expiry);
            return new(true);
        }
    }

    public ValueTask<UnlockStatus> UnlockAsync(string resourceId, string owner, CancellationToken cancellationToken)
    {
        lock (locks)
        {
            if (!IsHeld(resourceId, out var holder))
            {
                return new(UnlockStatus.LockDoesNotExist);
            }

            if (holder != owner)
            {
                return new(UnlockStatus.LockBelongsToOthers);
            }

            locks.Remove(resourceId);
            return new(UnlockStatus.Success);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private bool IsHeld(string resourceId, out string owner)
    {
        var isHeld = locks.TryGetValue(resourceId, out var held) && held.Until > time.GetUtcNow();
        owner = held.Owner;
        return isHeld;
    }
}
