using System.Text.Json;
using Dapr.Actors.Communication;

namespace Dapr.Actors.Client;

/// <summary>Calls the methods of an actor by name, with JSON (dapr-sdk §6.2).</summary>
public class ActorProxy : IActorProxy
{
    private readonly ActorSidecar? _sidecar;

    /// <summary>For derived classes; such a proxy cannot call.</summary>
    protected internal ActorProxy() : this(null!, null!, new ActorProxyOptions(), null!) { }

    internal ActorProxy(ActorId actorId, string actorType, ActorProxyOptions options, ActorSidecar sidecar)
    {
        ActorId = actorId;
        ActorType = actorType;
        Options = options;
        _sidecar = sidecar;
    }

    /// <summary>The factory behind the static methods; it uses the environment's endpoint and token.</summary>
    public static IActorProxyFactory DefaultProxyFactory { get; } = new ActorProxyFactory();

    /// <inheritdoc/>
    public ActorId ActorId { get; }

    /// <inheritdoc/>
    public string ActorType { get; }

    internal ActorProxyOptions Options { get; }

    internal ActorSidecar Sidecar => _sidecar ?? throw new InvalidOperationException("The proxy was not made by a factory.");

    /// <summary>A proxy by which an actor is called through an interface.</summary>
    public static TActorInterface Create<TActorInterface>(ActorId actorId, string actorType, ActorProxyOptions? options = null)
        where TActorInterface : IActor => DefaultProxyFactory.CreateActorProxy<TActorInterface>(actorId, actorType, options);

    /// <summary>A proxy by which an actor is called through an interface.</summary>
    public static object Create(ActorId actorId, Type actorInterfaceType, string actorType, ActorProxyOptions? options = null) =>
        DefaultProxyFactory.CreateActorProxy(actorId, actorInterfaceType, actorType, options);

    /// <summary>A proxy by which an actor's methods are called by name.</summary>
    public static ActorProxy Create(ActorId actorId, string actorType, ActorProxyOptions? options = null) =>
        DefaultProxyFactory.Create(actorId, actorType, options);

    /// <summary>Calls a method with an argument and returns its result.</summary>
    public async Task<TResponse> InvokeMethodAsync<TRequest, TResponse>(string method, TRequest data, CancellationToken cancellationToken = default) =>
        Read<TResponse>(await CallAsync(method, Write(data), cancellationToken).ConfigureAwait(false));

    /// <summary>Calls a method with an argument.</summary>
    public Task InvokeMethodAsync<TRequest>(string method, TRequest data, CancellationToken cancellationToken = default) =>
        CallAsync(method, Write(data), cancellationToken);

    /// <summary>Calls a method and returns its result.</summary>
    public async Task<TResponse> InvokeMethodAsync<TResponse>(string method, CancellationToken cancellationToken = default) =>
        Read<TResponse>(await CallAsync(method, null, cancellationToken).ConfigureAwait(false));

    /// <summary>Calls a method.</summary>
    public Task InvokeMethodAsync(string method, CancellationToken cancellationToken = default) => CallAsync(method, null, cancellationToken);

    private Task<byte[]> CallAsync(string method, ReadOnlyMemory<byte>? body, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        return Sidecar.InvokeAsync(ActorType, ActorId, method, body, cancellationToken);
    }

    private ReadOnlyMemory<byte> Write<T>(T data) => JsonSerializer.SerializeToUtf8Bytes(data, Options.JsonSerializerOptions);

    private T Read<T>(byte[] answer) => answer.Length == 0 ? default! : JsonSerializer.Deserialize<T>(answer, Options.JsonSerializerOptions)!;
}
