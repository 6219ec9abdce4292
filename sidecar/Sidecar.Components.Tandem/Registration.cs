using Sidecar.Abstractions;

namespace Sidecar.Components.Tandem;

/// <summary>Adds the component types that keep their data in the file store of the data directory.</summary>
public static class TandemComponents
{
    /// <summary>Adds <c>state.tandem</c>, <c>pubsub.tandem</c>, <c>lock.tandem</c> and <c>configuration.tandem</c>.</summary>
    public static ComponentRegistry AddTandem(this ComponentRegistry registry) => registry
        .Add("state.tandem", context => new TandemStateStore(context))
        .Add("pubsub.tandem", context => new TandemPubSub(context))
        .Add("lock.tandem", context => new TandemLockStore(context))
        .Add("configuration.tandem", context => new TandemConfigurationStore(context));
}
