namespace Dapr.Actors;

/// <summary>Whether a chain of calls may come back to an actor that is in it.</summary>
public sealed class ActorReentrancyConfig
{
    /// <summary>Whether it may; default no.</summary>
    public bool Enabled { get; set; }

    /// <summary>How deep a chain may become; default is the sidecar's, 32.</summary>
    public int? MaxStackDepth { get; set; }
}
