namespace Dapr.Actors.Client;

/// <summary>Makes proxies.</summary>
public interface IActorProxyFactory
{
    /// <summary>A proxy by which an actor is called through an interface.</summary>
    TActorInterface CreateActorProxy<TActorInterface>(ActorId actorId, string actorType, ActorProxyOptions? options = null)
        where TActorInterface : IActor;

    /// <summary>A proxy by which an actor is called through an interface.</summary>
    object CreateActorProxy(ActorId actorId, Type actorInterfaceType, string actorType, ActorProxyOptions? options = null);

    /// <summary>A proxy by which an actor's methods are called by name.</summary>
    ActorProxy Create(ActorId actorId, string actorType, ActorProxyOptions? options = null);
}
