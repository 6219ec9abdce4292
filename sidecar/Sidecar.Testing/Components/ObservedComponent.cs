using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary>
/// A component as a host runs it: what it does passes the faults and is recorded. A decorator offers every interface of
/// Sidecar.Abstractions that the decorated component has, and no other that matters.
/// </summary>
internal abstract class ObservedComponent(IComponent inner) : IOpenedComponent
{
    /// <summary>The decorated component, for tests.</summary>
    public IComponent Inner { get; } = inner;

    /// <summary>Decorates what a fault can meet; other components stay what they are.</summary>
    public static IComponent Of(IComponent inner, ComponentContext context, Observation observation) => inner switch
    {
        IStateStore store and IKeyListing => new ObservedListingStateStore(store, context, observation),
        IStateStore store => new ObservedStateStore(store, context, observation),
        IPubSub broker and IBacklog => new ObservedBacklogPubSub(broker, context, observation),
        IPubSub broker => new ObservedPubSub(broker, context, observation),
        IOutputBinding output and IInputBinding => new ObservedTwoWayBinding(output, context, observation),
        IOutputBinding output => new ObservedOutputBinding(output, context, observation),
        _ => inner,
    };

    /// <summary>Nothing to do for a component that needs no opening.</summary>
    public Task OpenAsync(CancellationToken cancellationToken) =>
        Inner is IOpenedComponent opened ? opened.OpenAsync(cancellationToken) : Task.CompletedTask;

    public Task InitAsync(CancellationToken cancellationToken) => Inner.InitAsync(cancellationToken);

    public ValueTask DisposeAsync() => Inner.DisposeAsync();
}

/// <summary>What the decorators of a host share.</summary>
internal sealed record Observation(Faults Faults, TrafficRecorder Traffic, TimeProvider Time)
{
    /// <summary>Performs an operation under the faults that it meets, and counts it while it runs.</summary>
    public Task RunAsync<T>(T attempt, Func<Task> operation, CancellationToken cancellationToken) where T : Attempt =>
        Faults.RunAsync(attempt, () => Traffic.CountAsync(operation), cancellationToken);
}
