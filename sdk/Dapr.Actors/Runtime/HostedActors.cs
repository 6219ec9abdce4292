using System.Text.Json;
using Dapr.Actors.Communication;
using Microsoft.Extensions.Logging;

namespace Dapr.Actors.Runtime;

/// <summary>The actors of one type in this app: what the sidecar's calls do (dapr-sdk §6.1).</summary>
internal sealed partial class HostedActors
{
    private readonly ActorTypeInformation _type;
    private readonly ActorRuntimeOptions _options;
    private readonly ActorMethods _methods;
    private readonly ActiveActors _active;
    private readonly ILogger _logger;

    public HostedActors(
        ActorRegistration registration, ActorActivator activator, ActorRuntimeOptions options, ILogger logger, Func<ActorTypeInformation, ActorId, ActorHost> host)
    {
        _logger = logger;
        _type = registration.Type;
        _options = options;
        _methods = new ActorMethods(_type.InterfaceTypes);
        _active = new ActiveActors(
            async id =>
            {
                var state = await activator.CreateAsync(host(_type, id)).ConfigureAwait(false);
                try
                {
                    await state.Actor.ActivateAsync().ConfigureAwait(false);
                    return state;
                }
                catch
                {
                    await activator.DeleteAsync(state).ConfigureAwait(false);
                    throw;
                }
            },
            async state =>
            {
                try
                {
                    await state.Actor.DeactivateAsync().ConfigureAwait(false);
                }
                finally
                {
                    await activator.DeleteAsync(state).ConfigureAwait(false);
                }
            });
    }

    /// <summary>A call with JSON: one argument at most, the result as JSON; null when the method has none.</summary>
    /// <exception cref="MissingMethodException">There is no such method.</exception>
    public Task<byte[]?> InvokeAsync(ActorId id, string name, byte[] body, CancellationToken cancellationToken)
    {
        var method = _methods.Find(name);
        if (method.Parameters.Count > 1)
        {
            throw new ArgumentException($"{name} has more than one argument and can be called by typed proxies only.");
        }

        object?[] arguments = [.. method.Parameters.Select(parameter => ReadArgument(body, parameter.ParameterType))];
        return TurnAsync(
            id, new ActorMethodContext(name, ActorCallType.ActorInterfaceMethod),
            async actor =>
            {
                var result = await method.InvokeAsync(actor, arguments, cancellationToken).ConfigureAwait(false);
                return method.ResultType is { } type
                    ? JsonSerializer.SerializeToUtf8Bytes(result, result?.GetType() ?? type, _options.JsonSerializerOptions)
                    : null;
            },
            cancellationToken);
    }

    /// <summary>A call of a typed proxy. What the method throws is an answer too; only what is wrong with the call itself is thrown here.</summary>
    public async Task<(string? ErrorHeader, byte[] Body)> InvokeRemotingAsync(
        ActorId id, string name, string header, byte[] body, CancellationToken cancellationToken)
    {
        try
        {
            var call = RemotingHeaders.ReadRequest(header);
            var method = _methods.Find(call.InterfaceId, call.MethodId);
            var usual = RemotingBody.For(_options.UseJsonSerialization, _options.JsonSerializerOptions);
            var form = RemotingBody.Of(body, usual, _options.JsonSerializerOptions);
            var arguments = form.ReadRequest(method, body);
            var answer = await TurnAsync(
                id, new ActorMethodContext(name, ActorCallType.ActorInterfaceMethod),
                async actor => form.WriteResponse(method, await method.InvokeAsync(actor, arguments, cancellationToken).ConfigureAwait(false)),
                cancellationToken).ConfigureAwait(false);
            return (null, answer);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(_logger, exception, _type.ActorTypeName, id.GetId(), name);
            return RemotingErrors.Write(exception);
        }
    }

    /// <summary>A reminder is due; an actor that has none ignores it.</summary>
    public async Task RemindAsync(ActorId id, string name, byte[] body, CancellationToken cancellationToken)
    {
        if (!_type.IsRemindable || ScheduledCall.Read(body) is not { } call)
        {
            return;
        }

        await TurnAsync(
            id, new ActorMethodContext(nameof(IRemindable.ReceiveReminderAsync), ActorCallType.ReminderMethod),
            async actor =>
            {
                await ((IRemindable)actor).ReceiveReminderAsync(name, call.Data, call.DueTime, call.Period).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A timer is due.</summary>
    public Task<bool> FireTimerAsync(ActorId id, byte[] body, CancellationToken cancellationToken)
    {
        var call = ScheduledCall.Read(body) ?? throw new JsonException("The body of a timer is an object.");
        return TurnAsync(
            id, new ActorMethodContext(call.Callback ?? "", ActorCallType.TimerMethod), actor => TimerCallbacks.CallAsync(actor, call.Callback, call.Data),
            cancellationToken);
    }

    public Task DeactivateAsync(ActorId id) => _active.DeactivateAsync(id);

    private Task<T> TurnAsync<T>(ActorId id, ActorMethodContext context, Func<Actor, Task<T>> body, CancellationToken cancellationToken)
    {
        var chain = ActorReentrancy.Chain;
        return _active.UseAsync(
            id, chain,
            async actor =>
            {
                if (chain is not null)
                {
                    (actor.StateManager as ActorStateManager)?.BeginCallOfChain();
                }

                return await actor.TurnAsync(context, () => body(actor)).ConfigureAwait(false);
            },
            cancellationToken);
    }

    private object? ReadArgument(byte[] body, Type type) => body.Length == 0
        ? type.IsValueType ? Activator.CreateInstance(type) : null
        : JsonSerializer.Deserialize(body, type, _options.JsonSerializerOptions);

    [LoggerMessage(6850, LogLevel.Warning, "Actor {Type}/{Id}: {Method} failed; its caller is told")]
    private static partial void LogFailed(ILogger logger, Exception exception, string type, string id, string method);
}
