using System.Reflection;
using Dapr.Actors.Communication;

namespace Dapr.Actors.Client;

/// <summary>Calls an actor through an interface: remoting (dapr-sdk §6.3).</summary>
internal class TypedActorProxy : DispatchProxy, IActorProxy
{
    private ActorProxy _proxy = null!;
    private RemotingBody _body = null!;

    public ActorId ActorId => _proxy.ActorId;

    public string ActorType => _proxy.ActorType;

    public static object Create(Type interfaceType, ActorProxy proxy)
    {
        ActorMethods.CheckInterface(interfaceType);
        var typed = (TypedActorProxy)DispatchProxy.Create(interfaceType, typeof(TypedActorProxy));
        typed._proxy = proxy;
        typed._body = RemotingBody.For(proxy.Options.UseJsonSerialization, proxy.Options.JsonSerializerOptions);
        return typed;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var method = ActorMethod.Of(targetMethod!);
        return method.ToTask(CallAsync(method, args ?? []));
    }

    private async Task<object?> CallAsync(ActorMethod method, object?[] args)
    {
        var cancellationToken = method.TakesToken ? (CancellationToken)args[^1]! : CancellationToken.None;
        var header = RemotingHeaders.WriteRequest(ActorType, ActorId, method);
        var (errorHeader, answer) = await _proxy.Sidecar.InvokeRemotingAsync(
            ActorType, ActorId, method.Name, header, _body.WriteRequest(method, args), cancellationToken).ConfigureAwait(false);
        if (errorHeader is not null)
        {
            throw RemotingErrors.Read(errorHeader, answer);
        }

        return method.ResultType is null ? null : RemotingBody.Of(answer, _body).ReadResponse(method, answer);
    }
}
