namespace Sidecar.Runtime.App;

/// <summary>
/// How long the sidecar waits for an app that has accepted a call and does not answer. Deliveries of messages have
/// <see cref="Abstractions.IPubSub.ProcessingTimeout"/>.
/// </summary>
public sealed record AppTimeouts
{
    /// <summary>One try to read <c>/dapr/subscribe</c>; it is made again until the app answers. Default 10 s.</summary>
    public TimeSpan Subscribe { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>An attempt to hand over an event of an input binding, unless a resiliency timeout of the binding says otherwise. Default 60 s.</summary>
    public TimeSpan Binding { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>An attempt to post a change of configuration, unless a resiliency timeout of the store says otherwise. Default 60 s.</summary>
    public TimeSpan Configuration { get; init; } = TimeSpan.FromSeconds(60);
}
