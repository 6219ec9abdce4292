using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary>A state store whose writes can fail.</summary>
internal class ObservedStateStore(IStateStore inner, ComponentContext context, Observation observation) : ObservedComponent(inner), IStateStore
{
    public StateFeatures Features => inner.Features;

    public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => inner.GetAsync(key, cancellationToken);

    public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        inner.GetManyAsync(keys, cancellationToken);

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) =>
        RunAsync([write], () => inner.WriteAsync(write, cancellationToken), cancellationToken);

    public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) =>
        RunAsync(writes, () => inner.TransactAsync(writes, cancellationToken), cancellationToken);

    private async ValueTask RunAsync(IReadOnlyList<StateWrite> writes, Func<ValueTask> write, CancellationToken cancellationToken) =>
        await observation.RunAsync(new StateWriteAttempt(context.AppId, context.Name, writes), () => write().AsTask(), cancellationToken);
}

/// <summary>One that lists keys as well, so that it can hold workflows.</summary>
internal sealed class ObservedListingStateStore(IStateStore inner, ComponentContext context, Observation observation)
    : ObservedStateStore(inner, context, observation), IKeyListing
{
    public IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken) =>
        ((IKeyListing)Inner).ListKeysAsync(prefix, cancellationToken);
}
