namespace Dapr.Actors.Runtime;

/// <summary>Names a reminder.</summary>
public class ActorReminderToken
{
    /// <summary>Creates the name of a reminder.</summary>
    public ActorReminderToken(string actorType, ActorId actorId, string name)
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

    /// <summary>Name of the reminder.</summary>
    public string Name { get; }
}
