using System.Globalization;
using System.Runtime.CompilerServices;
using Sidecar.Abstractions;

namespace Sidecar.Workflows.Tests;

/// <summary>The disk: what has been written survives every "crash" of a <see cref="CrashingStore"/> in front of it.</summary>
internal sealed class MemoryStore : IStateStore, IKeyListing
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (byte[] Value, long Version)> _rows = new(StringComparer.Ordinal);
    private long _version;

    public StateFeatures Features => StateFeatures.ETag | StateFeatures.Transactional | StateFeatures.Actor;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _rows.Count;
            }
        }
    }

    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(_rows.TryGetValue(key, out var row) ? new StateItem(row.Value, ETag(row.Version), null) : null);
        }
    }

    public async ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var items = new List<StateItem?>();
        foreach (var key in keys)
        {
            items.Add(await GetAsync(key, cancellationToken));
        }

        return items;
    }

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => TransactAsync([write], cancellationToken);

    public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var write in writes)
            {
                var exists = _rows.TryGetValue(write.Key, out var row);
                if ((write.ETag is not null && (!exists || ETag(row.Version) != write.ETag)) || (write.FirstWrite && exists))
                {
                    throw new ETagMismatchException(write.Key);
                }
            }

            foreach (var write in writes)
            {
                if (write.Value is { } value)
                {
                    _rows[write.Key] = (value.ToArray(), ++_version);
                }
                else
                {
                    _rows.Remove(write.Key);
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<string> ListKeysAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string[] keys;
        lock (_lock)
        {
            keys = [.. _rows.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))];
        }

        foreach (var key in keys)
        {
            yield return key;
        }

        await Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string ETag(long version) => version.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What the n-th write of a <see cref="CrashingStore"/> does.</summary>
internal enum Fault
{
    /// <summary>Fails without effect; everything after it fails too: the process is dead.</summary>
    DieBefore,
    /// <summary>Takes effect, but its success is never heard of; everything after it fails.</summary>
    DieAfter,
    /// <summary>Fails once without effect.</summary>
    FailBefore,
    /// <summary>Takes effect, reports failure; later writes succeed.</summary>
    FailAfter,
}

/// <summary>A store that fails at a chosen write.</summary>
internal sealed class CrashingStore(IStateStore disk, int faultAt = 0, Fault fault = Fault.DieBefore) : IStateStore, IKeyListing
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _life = new();
    private int _writes;

    public StateFeatures Features => disk.Features;

    public int Writes => Volatile.Read(ref _writes);

    /// <summary>Completes when the process would be dead.</summary>
    public Task Died => _died.Task;

    /// <summary>Kills the process: when this returns, nothing that it was still writing can reach the disk any more.</summary>
    public void Die()
    {
        lock (_life)
        {
            _died.TrySetResult();
        }
    }

    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ThrowIfDead();
        return disk.GetAsync(key, cancellationToken);
    }

    public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        ThrowIfDead();
        return disk.GetManyAsync(keys, cancellationToken);
    }

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => TransactAsync([write], cancellationToken);

    public async ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
    {
        ThrowIfDead();
        // A commit is never instant on a disk.
        await Task.Yield();
        if (Interlocked.Increment(ref _writes) != faultAt)
        {
            ValueTask written;
            lock (_life)
            {
                ThrowIfDead();
                written = disk.TransactAsync(writes, cancellationToken);
            }

            await written;
            return;
        }

        // One step, its effect before the signal: no other write comes between, and who hears of the death finds it on a disk in memory.
        ValueTask last = default;
        lock (_life)
        {
            ThrowIfDead();
            try
            {
                if (fault is Fault.DieAfter or Fault.FailAfter)
                {
                    last = disk.TransactAsync(writes, cancellationToken);
                }
            }
            finally
            {
                if (fault is Fault.DieBefore or Fault.DieAfter)
                {
                    _died.TrySetResult();
                }
            }
        }

        await last;
        throw new IOException($"fault at write {faultAt}");
    }

    public IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken)
    {
        ThrowIfDead();
        return ((IKeyListing)disk).ListKeysAsync(prefix, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void ThrowIfDead()
    {
        if (_died.Task.IsCompleted)
        {
            throw new IOException("dead");
        }
    }
}
