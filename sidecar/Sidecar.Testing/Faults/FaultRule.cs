namespace Sidecar.Testing;

/// <summary>
/// Which operations a fault meets. Without a limit it meets the first one that fits; with a probability every one, unless
/// <see cref="Times"/> says otherwise. It begins to act with the method that says what it does.
/// </summary>
public sealed class FaultRule<T> where T : Attempt
{
    private readonly Faults _faults;
    private readonly Func<T, bool> _isFor;
    private readonly List<Func<T, bool>> _conditions = [];
    private int? _times;
    private int _skip;
    private double _probability = 1;

    internal FaultRule(Faults faults, Func<T, bool> isFor) => (_faults, _isFor) = (faults, isFor);

    internal TimeProvider Time => _faults.Time;

    internal int Seed => _faults.Seed;

    /// <summary>Meets only those for which the condition holds as well.</summary>
    public FaultRule<T> When(Func<T, bool> condition)
    {
        _conditions.Add(condition);
        return this;
    }

    /// <summary>Leaves the first ones that fit alone: <c>After(2)</c> meets the third.</summary>
    public FaultRule<T> After(int count)
    {
        _skip = count;
        return this;
    }

    /// <summary>How many it meets at most.</summary>
    public FaultRule<T> Times(int count)
    {
        _times = count;
        return this;
    }

    /// <summary>Meets all that fit.</summary>
    public FaultRule<T> Always() => Times(int.MaxValue);

    /// <summary>
    /// Meets each one that fits with this probability (0 to 1). What it decides follows from the host's seed and from what the operation is
    /// about, not from the order in which threads arrive: a run with the same seed and the same input meets the same faults.
    /// </summary>
    public FaultRule<T> WithProbability(double probability)
    {
        _probability = probability;
        return this;
    }

    /// <summary>The operation fails and has no effect.</summary>
    public Fault Fail(string reason = "injected fault") => Do((_, _, _) => throw new InjectedFaultException(reason));

    /// <summary>The operation takes effect, but whoever asked for it is told that it failed.</summary>
    public Fault FailAfterwards(string reason = "injected fault, after the effect") => Do(async (_, proceed, _) =>
    {
        await proceed();
        throw new InjectedFaultException(reason);
    });

    /// <summary>The operation takes effect later, by the host's clock.</summary>
    public Fault Delay(TimeSpan by) => Do(async (_, proceed, cancellationToken) =>
    {
        await Task.Delay(by, Time, cancellationToken);
        await proceed();
    });

    /// <summary>
    /// A fault of your own: it gets the operation and a delegate that performs it, which it calls as often as it wants, and throws what the
    /// one who asked is to see.
    /// </summary>
    public Fault Do(Func<T, Func<Task>, CancellationToken, Task> effect) => Do(effect, defaultTimes: 1);

    internal Fault Do(Func<T, Func<Task>, CancellationToken, Task> effect, int defaultTimes, Action? whenRemoved = null)
    {
        var times = _times ?? (_probability < 1 ? int.MaxValue : defaultTimes);
        return _faults.Add(new Fault<T>(
            _faults, attempt => _isFor(attempt) && _conditions.TrueForAll(condition => condition(attempt)), effect, _skip, times, _probability, whenRemoved));
    }
}
