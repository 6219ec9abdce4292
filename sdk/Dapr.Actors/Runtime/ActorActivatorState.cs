namespace Dapr.Actors.Runtime;

/// <summary>An actor that lives; activators derive from it to keep what belongs to the actor.</summary>
public class ActorActivatorState
{
    /// <summary>Creates the state.</summary>
    public ActorActivatorState(Actor actor) => Actor = actor;

    /// <summary>The actor.</summary>
    public Actor Actor { get; }
}
