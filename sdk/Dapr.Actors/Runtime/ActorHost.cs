using System.Text.Json;
using Dapr.Actors.Client;
using Microsoft.Extensions.Logging;

namespace Dapr.Actors.Runtime;

/// <summary>What an actor is given by its host.</summary>
public sealed class ActorHost
{
    internal ActorHost(
        ActorTypeInformation actorTypeInfo, ActorId id, JsonSerializerOptions jsonSerializerOptions, ILoggerFactory loggerFactory,
        IActorProxyFactory proxyFactory, ActorTimerManager timerManager, ActorStateStore? stateStore)
    {
        ActorTypeInfo = actorTypeInfo;
        Id = id;
        JsonSerializerOptions = jsonSerializerOptions;
        LoggerFactory = loggerFactory;
        ProxyFactory = proxyFactory;
        TimerManager = timerManager;
        StateStore = stateStore;
    }

    /// <summary>The actor's class.</summary>
    public ActorTypeInformation ActorTypeInfo { get; }

    /// <summary>The actor's id.</summary>
    public ActorId Id { get; }

    /// <summary>How values are written and read.</summary>
    public JsonSerializerOptions JsonSerializerOptions { get; }

    /// <summary>Makes loggers.</summary>
    public ILoggerFactory LoggerFactory { get; }

    /// <summary>Makes proxies of other actors.</summary>
    public IActorProxyFactory ProxyFactory { get; }

    /// <summary>Keeps the actor's timers and reminders.</summary>
    public ActorTimerManager TimerManager { get; }

    /// <summary>Null in a test.</summary>
    internal ActorStateStore? StateStore { get; }

    /// <summary>A host for an actor of a test: its state needs a mock in place of its <see cref="Actor.StateManager"/>.</summary>
    public static ActorHost CreateForTest<TActor>(ActorTestOptions? options = null) where TActor : Actor => CreateForTest(typeof(TActor), options);

    /// <summary>A host for an actor of a test, of a type of another name.</summary>
    public static ActorHost CreateForTest<TActor>(string actorTypeName, ActorTestOptions? options = null) where TActor : Actor =>
        CreateForTest(typeof(TActor), actorTypeName, options);

    /// <summary>A host for an actor of a test.</summary>
    public static ActorHost CreateForTest(Type actorType, ActorTestOptions? options = null) => CreateForTest(actorType, null!, options);

    /// <summary>A host for an actor of a test, of a type of another name.</summary>
    public static ActorHost CreateForTest(Type actorType, string actorTypeName, ActorTestOptions? options = null)
    {
        options ??= new ActorTestOptions();
        return new ActorHost(
            ActorTypeInformation.Get(actorType, actorTypeName), options.ActorId, options.JsonSerializerOptions, options.LoggerFactory,
            options.ProxyFactory, options.TimerManager, null);
    }
}
