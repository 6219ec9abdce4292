namespace Dapr.Actors.Runtime;

/// <summary>A reminder: it survives the actor, its host and the sidecar.</summary>
public interface IActorReminder
{
    /// <summary>Its name, one of the actor's.</summary>
    string Name { get; }

    /// <summary>Time to its first turn.</summary>
    TimeSpan DueTime { get; }

    /// <summary>Time between turns; negative when there is only one.</summary>
    TimeSpan Period { get; }

    /// <summary>What the actor is told with each turn.</summary>
    byte[] State { get; }
}
