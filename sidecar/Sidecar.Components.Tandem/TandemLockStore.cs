using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem;

/// <summary><c>lock.tandem</c>: a lock is a key with a TTL, created with first-write and deleted by its version.</summary>
internal sealed class TandemLockStore(ComponentContext context) : TandemComponent(context), ILockStore
{
    private KeyTable _table = null!;

    public async ValueTask<bool> TryLockAsync(string resourceId, string owner, TimeSpan expiry, CancellationToken cancellationToken)
    {
        try
        {
            var write = new StateWrite(resourceId, Encoding.UTF8.GetBytes(owner), FirstWrite: true, Ttl: expiry);
            await Store.WriteAsync(_table, [write], Durability, cancellationToken);
            return true;
        }
        catch (ETagMismatchException)
        {
            return false;
        }
    }

    public async ValueTask<UnlockStatus> UnlockAsync(string resourceId, string owner, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_table.FindLive(resourceId, Time.GetUtcNow().Ticks) is not { } held)
            {
                return UnlockStatus.LockDoesNotExist;
            }

            if (Encoding.UTF8.GetString(held.Value) != owner)
            {
                return UnlockStatus.LockBelongsToOthers;
            }

            try
            {
                await Store.WriteAsync(_table, [new StateWrite(resourceId, null, held.ETag)], Durability, cancellationToken);
                return UnlockStatus.Success;
            }
            catch (ETagMismatchException)
            {
                // It expired or changed hands between the look and the delete: look again.
            }
        }
    }

    private protected override ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _table = Store.Table("lock/" + Context.Name);
        return ValueTask.CompletedTask;
    }
}
