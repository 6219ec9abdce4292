namespace Sidecar.Abstractions;

/// <summary>
/// What component instances of a process use together behind their adapters, such as the connection to a server: made for the first who needs it,
/// disposed of when the last one has given his share back.
/// </summary>
/// <typeparam name="TKey">What makes two of them the same: address, user, options.</typeparam>
/// <typeparam name="TValue">What is shared. Somebody may get a new one while the old one is being disposed of.</typeparam>
public sealed class Shared<TKey, TValue> where TKey : notnull where TValue : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, (TValue Value, int Shares)> _values = [];

    /// <summary>A share in the value of the key; <paramref name="create"/> is called when there is none, under a lock, so it must not wait.</summary>
    public Share<TValue> Acquire(TKey key, Func<TValue> create)
    {
        lock (_gate)
        {
            var entry = _values.TryGetValue(key, out var known) ? known : (Value: create(), Shares: 0);
            _values[key] = entry with { Shares = entry.Shares + 1 };
            return new Share<TValue>(entry.Value, () => ReleaseAsync(key));
        }
    }

    private ValueTask ReleaseAsync(TKey key)
    {
        TValue value;
        lock (_gate)
        {
            (value, var shares) = _values[key];
            if (shares > 1)
            {
                _values[key] = (value, shares - 1);
                return ValueTask.CompletedTask;
            }

            _values.Remove(key);
        }

        return value.DisposeAsync();
    }
}

/// <summary>A share in something of <see cref="Shared{TKey, TValue}"/>. Disposing of it gives it back; a second time does nothing.</summary>
public sealed class Share<TValue> : IAsyncDisposable
{
    private readonly Func<ValueTask> _release;
    private int _released;

    internal Share(TValue value, Func<ValueTask> release) => (Value, _release) = (value, release);

    /// <summary>What is shared; not to be used after the share was given back.</summary>
    public TValue Value { get; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _released, 1) == 0 ? _release() : ValueTask.CompletedTask;
}
