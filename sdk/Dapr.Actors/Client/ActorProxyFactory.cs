using Dapr.Actors.Communication;

namespace Dapr.Actors.Client;

/// <summary>Makes proxies that call through the sidecar.</summary>
public class ActorProxyFactory : IActorProxyFactory
{
    private readonly HttpMessageHandler? _handler;

    /// <summary>Creates the factory; a handler that is given stays the caller's.</summary>
    public ActorProxyFactory(ActorProxyOptions? options = null, HttpMessageHandler? handler = null)
    {
        DefaultOptions = options ?? new ActorProxyOptions();
        _handler = handler;
    }

    /// <summary>Options of proxies that are made without.</summary>
    public ActorProxyOptions DefaultOptions
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <inheritdoc/>
    public TActorInterface CreateActorProxy<TActorInterface>(ActorId actorId, string actorType, ActorProxyOptions? options = null)
        where TActorInterface : IActor => (TActorInterface)CreateActorProxy(actorId, typeof(TActorInterface), actorType, options);

    /// <inheritdoc/>
    public object CreateActorProxy(ActorId actorId, Type actorInterfaceType, string actorType, ActorProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(actorInterfaceType);
        return TypedActorProxy.Create(actorInterfaceType, Create(actorId, actorType, options));
    }

    /// <inheritdoc/>
    public ActorProxy Create(ActorId actorId, string actorType, ActorProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(actorId);
        ArgumentException.ThrowIfNullOrEmpty(actorType);
        options ??= DefaultOptions;
        return new ActorProxy(actorId, actorType, options, new ActorSidecar(options, _handler));
    }
}
