namespace Dapr.Actors.Runtime;

/// <summary>Names a timer.</summary>
public class ActorTimerToken
{
    /// <summary>Creates the name of a timer.</summary>
    public ActorTimerToken(string actorType, ActorId actorId, string name)
    {
        ArgumentNullException.ThrowIfNull(actorType);
        ArgumentNullException.ThrowIfNull(actorId);
        ArgumentNullException.ThrowIfNull(name);
        (ActorType, ActorId, Name) = (actorType, actorId, name);
    }

    /// <summary>Type of the actor.</summary>
    public string ActorType { get; }

    /// <summary>Id of the actor.</summary>
    public ActorId ActorId { get; }

    /// <summary>Name of the timer.</summary>
    public string Name { get; }
}
