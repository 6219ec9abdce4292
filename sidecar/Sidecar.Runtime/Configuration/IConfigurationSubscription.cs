using Sidecar.Abstractions;

namespace Sidecar.Runtime.Configuration;

/// <summary>A subscription, however its changes travel.</summary>
internal interface IConfigurationSubscription
{
    /// <summary>What the app names it by.</summary>
    string Id { get; }

    /// <summary>Whether it is the app's server that gets the changes, so that nothing is left of it when that is gone.</summary>
    bool EndsWithApp { get; }

    /// <summary>Begins to listen to the store. Called once.</summary>
    Task StartAsync(IConfigurationStore store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken);

    /// <summary>Begins no delivery any more; those that run may finish within the time. Completes when none runs.</summary>
    Task EndAsync(TimeSpan drainTimeout);
}
