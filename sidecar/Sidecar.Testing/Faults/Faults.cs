namespace Sidecar.Testing;

/// <summary>What is to go wrong in a host. Several faults that meet one operation act inside each other, the first one outermost.</summary>
public sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly Action _touch;
    private volatile Fault[] _faults = [];
    private int _added;

    internal Faults(TimeProvider time, int seed, Action touch) => (Time, Seed, _touch) = (time, seed, touch);

    internal TimeProvider Time { get; }

    internal int Seed { get; }

    /// <summary>Deliveries of a topic to an app; null is any.</summary>
    public FaultRule<DeliveryAttempt> Deliveries(string? topic = null, string? app = null) =>
        new(this, attempt => Is(topic, attempt.Delivery.Topic) && Is(app, attempt.AppId));

    /// <summary>
    /// Writes of a state store. The key is the app's own, without the prefix: of a transaction it is enough that one write has it. Workflows
    /// and actors write to the store too; their keys are of many parts.
    /// </summary>
    public FaultRule<StateWriteAttempt> StateWrites(string? store = null, string? key = null, string? app = null) => new(
        this, attempt => Is(store, attempt.Store) && Is(app, attempt.AppId)
            && (key is null || attempt.Writes.Any(write => write.Key == key || write.Key.EndsWith("||" + key, StringComparison.Ordinal))));

    /// <summary>Publishes to a topic by an app.</summary>
    public FaultRule<PublishAttempt> Publishes(string? topic = null, string? app = null) =>
        new(this, attempt => Is(topic, attempt.Topic) && Is(app, attempt.AppId));

    /// <summary>Calls of an output binding.</summary>
    public FaultRule<BindingAttempt> Bindings(string? binding = null, string? operation = null, string? app = null) =>
        new(this, attempt => Is(binding, attempt.Binding) && Is(operation, attempt.Request.Operation) && Is(app, attempt.AppId));

    /// <summary>Requests to an app, by path: invocations, and whatever else the sidecar calls the app for.</summary>
    public FaultRule<CallAttempt> Calls(string? app = null, string? path = null) =>
        new(this, attempt => Is(app, attempt.AppId) && Is(path, attempt.Path));

    /// <summary>Removes all faults.</summary>
    public void Clear() => Array.ForEach(_faults, fault => fault.Dispose());

    internal Fault Add<T>(Fault<T> fault) where T : Attempt
    {
        lock (_gate)
        {
            fault.Index = _added++;
            _faults = [.. _faults, fault];
        }

        return fault;
    }

    internal void Remove(Fault fault)
    {
        lock (_gate)
        {
            _faults = [.. _faults.Where(other => other != fault)];
        }
    }

    internal void Hit() => _touch();

    /// <summary>Performs an operation under the faults that it meets.</summary>
    internal Task RunAsync<T>(T attempt, Func<Task> operation, CancellationToken cancellationToken) where T : Attempt
    {
        var met = _faults.OfType<Fault<T>>().Where(fault => fault.Meets(attempt)).ToArray();
        for (var index = met.Length - 1; index >= 0; index--)
        {
            var (fault, inner) = (met[index], operation);
            operation = () => fault.ApplyAsync(attempt, inner, cancellationToken);
        }

        return operation();
    }

    private static bool Is(string? wanted, string actual) => wanted is null || wanted == actual;
}
