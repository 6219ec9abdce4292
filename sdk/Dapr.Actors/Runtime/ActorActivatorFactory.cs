namespace Dapr.Actors.Runtime;

/// <summary>Makes activators.</summary>
public abstract class ActorActivatorFactory
{
    /// <summary>Makes the activator of a class of actors.</summary>
    public abstract ActorActivator CreateActivator(ActorTypeInformation type);
}
