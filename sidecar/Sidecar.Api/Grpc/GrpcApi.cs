using Google.Protobuf;
using Google.Protobuf.Collections;
using Sidecar.Abstractions;
using Sidecar.Api.Http;
using Sidecar.Runtime;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Grpc;

/// <summary>Adds methods to the service: each looks at the app's list of APIs first and ends with Dapr's errors.</summary>
internal sealed class GrpcApi(GrpcService service)
{
    /// <summary>A method with one answer; <paramref name="rule"/> is the API it belongs to in the lists, e.g. <c>state.v1</c>.</summary>
    public void Unary<TRequest, TResponse>(
        string rule, string method, MessageParser<TRequest> parser, Func<TRequest, GrpcCallContext, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        service.Unary(method, parser, Guarded<TRequest, TResponse>(rule, handler));

    /// <summary>A method with a stream of answers.</summary>
    public void ServerStreaming<TRequest, TResponse>(
        string rule, string method, MessageParser<TRequest> parser, Func<TRequest, IServerStreamWriter<TResponse>, GrpcCallContext, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        service.ServerStreaming<TRequest, TResponse>(method, parser, (request, writer, context) => Guarded<TRequest, bool>(rule, async (r, c) =>
        {
            await handler(r, writer, c);
            return true;
        })(request, context));

    private static Func<TRequest, GrpcCallContext, Task<TResponse>> Guarded<TRequest, TResponse>(
        string rule, Func<TRequest, GrpcCallContext, Task<TResponse>> handler)
    {
        var (name, version) = rule.Split('.') is [var first, var second] ? (first, second) : throw new ArgumentException(rule, nameof(rule));
        return async (request, context) =>
        {
            if (!context.App().Configuration.Api.IsGrpcAllowed(name, version))
            {
                throw GrpcErrors.FromHttp(501, "requested endpoint is not available", context);
            }

            try
            {
                return await handler(request, context);
            }
            catch (DaprErrorException error)
            {
                throw GrpcErrors.From(error, context);
            }
        };
    }
}

/// <summary>What handlers read of calls and messages.</summary>
internal static class GrpcReading
{
    /// <summary>The app instance whose port the call came to.</summary>
    public static AppInstance App(this GrpcCallContext context) => context.HttpContext.App();

    /// <summary>A map of a message as metadata.</summary>
    public static ComponentMetadata ToMetadata(this MapField<string, string> map) => map.Count == 0 ? ComponentMetadata.Empty : new ComponentMetadata(map);

    /// <summary>Copies metadata into a map of a message.</summary>
    public static void Add(this MapField<string, string> map, IEnumerable<KeyValuePair<string, string>> entries)
    {
        foreach (var (name, value) in entries)
        {
            map[name] = value;
        }
    }
}
