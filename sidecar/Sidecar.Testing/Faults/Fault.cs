namespace Sidecar.Testing;

/// <summary>A fault that is in force until its count is reached or it is disposed.</summary>
public abstract class Fault : IDisposable
{
    private readonly Faults _faults;
    private readonly Action? _whenRemoved;

    private protected Fault(Faults faults, Action? whenRemoved) => (_faults, _whenRemoved) = (faults, whenRemoved);

    /// <summary>How many operations it has met. One is counted when the effect has begun: a delay waits for the clock by then.</summary>
    public abstract int Hits { get; }

    /// <summary>Removes it; operations that it holds back go on.</summary>
    public void Dispose()
    {
        _faults.Remove(this);
        _whenRemoved?.Invoke();
    }
}

/// <summary>What a fault makes an operation fail with.</summary>
public sealed class InjectedFaultException(string reason) : IOException(reason);

internal sealed class Fault<T>(
    Faults faults, Func<T, bool> fits, Func<T, Func<Task>, CancellationToken, Task> effect, int skip, int times, double probability, Action? whenRemoved)
    : Fault(faults, whenRemoved) where T : Attempt
{
    private readonly Faults _faults = faults;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _seen = new(StringComparer.Ordinal);
    private int _fitting;
    private int _met;
    private int _hits;

    public override int Hits => Volatile.Read(ref _hits);

    /// <summary>0-based number of the fault among those of its host.</summary>
    public int Index { get; set; }

    /// <summary>Whether the operation meets the fault; counts.</summary>
    public bool Meets(T attempt)
    {
        if (!fits(attempt))
        {
            return false;
        }

        lock (_gate)
        {
            if (_met >= times || _fitting++ < skip || !Decide(attempt))
            {
                return false;
            }

            _met++;
            return true;
        }
    }

    public Task ApplyAsync(T attempt, Func<Task> proceed, CancellationToken cancellationToken)
    {
        try
        {
            return effect(attempt, proceed, cancellationToken);
        }
        finally
        {
            Interlocked.Increment(ref _hits);
            _faults.Hit();
        }
    }

    private bool Decide(T attempt)
    {
        if (probability >= 1)
        {
            return true;
        }

        var identity = attempt.Identity;
        var occurrence = _seen[identity] = _seen.GetValueOrDefault(identity) + 1;
        return SeededChoice.Fraction(_faults.Seed, Index, $"{identity}#{occurrence}") < probability;
    }
}
