namespace Dapr.Actors.Runtime;

/// <summary>Makes the instances of a class of actors.</summary>
public abstract class ActorActivator
{
    /// <summary>Makes an actor.</summary>
    public abstract Task<ActorActivatorState> CreateAsync(ActorHost host);

    /// <summary>Disposes of an actor.</summary>
    public abstract Task DeleteAsync(ActorActivatorState state);
}
