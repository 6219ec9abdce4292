using System.IO.Pipelines;
using Google.Protobuf;

namespace Tandem.Protocol.Grpc;

/// <summary>
/// The methods of one gRPC service by name; map it with <see cref="GrpcEndpointExtensions.MapGrpc"/>.
/// <paramref name="name"/> is the full service name as it stands in the path (with the proto package, if it has one).
/// </summary>
/// <remarks>Stands in for the generated service base of Grpc.AspNetCore.</remarks>
public sealed class GrpcService(string name)
{
    private readonly Dictionary<string, GrpcServerMethod> _methods = new(StringComparer.Ordinal);

    public string Name { get; } = name;

    internal IReadOnlyDictionary<string, GrpcServerMethod> Methods => _methods;

    /// <summary>Adds a method with one request and one response.</summary>
    public GrpcService Unary<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<TRequest, GrpcCallContext, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        _methods.Add(method, new UnaryMethod<TRequest, TResponse>(parser, handler));
        return this;
    }

    /// <summary>Adds a method with one request and a stream of responses. Response headers are flushed before the handler runs.</summary>
    public GrpcService ServerStreaming<TRequest, TResponse>(
        string method, MessageParser<TRequest> parser, Func<TRequest, IServerStreamWriter<TResponse>, GrpcCallContext, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        _methods.Add(method, new ServerStreamingMethod<TRequest, TResponse>(parser, handler));
        return this;
    }

    /// <summary>Adds a method of any kind that ends with UNIMPLEMENTED and this text before a request is read: a stream may stay open for good.</summary>
    public GrpcService Unimplemented(string method, string detail)
    {
        _methods.Add(method, new UnimplementedMethod(detail));
        return this;
    }
}

internal abstract class GrpcServerMethod
{
    /// <summary>Reads the request, runs the handler, writes the responses. The status is the caller's business.</summary>
    public abstract Task InvokeAsync(GrpcCallContext context, GrpcServerOptions options);

    protected static async ValueTask<T> ReadSingleAsync<T>(
        GrpcCallContext context, MessageParser<T> parser, GrpcServerOptions options)
        where T : class, IMessage<T>
    {
        var body = context.HttpContext.Request.BodyReader;
        try
        {
            var message = await GrpcFraming.ReadAsync(body, parser, options.MaxReceiveMessageBytes, context.CancellationToken)
                .ConfigureAwait(false)
                ?? throw new GrpcException(GrpcStatusCode.Internal, "The call carried no request message.");

            return await GrpcFraming.ReadAsync(body, parser, options.MaxReceiveMessageBytes, context.CancellationToken)
                .ConfigureAwait(false) is null
                ? message
                : throw new GrpcException(GrpcStatusCode.Internal, "The call carried more than one request message.");
        }
        catch (IOException exception)
        {
            // The client has reset the stream or is gone; that is told apart from a cancelled request a little later only.
            throw new OperationCanceledException("The client broke off the call.", exception);
        }
    }
}

internal sealed class UnimplementedMethod(string detail) : GrpcServerMethod
{
    public override Task InvokeAsync(GrpcCallContext context, GrpcServerOptions options) =>
        throw new GrpcException(GrpcStatusCode.Unimplemented, detail);
}

internal sealed class UnaryMethod<TRequest, TResponse>(
    MessageParser<TRequest> parser, Func<TRequest, GrpcCallContext, Task<TResponse>> handler) : GrpcServerMethod
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    public override async Task InvokeAsync(GrpcCallContext context, GrpcServerOptions options)
    {
        var request = await ReadSingleAsync(context, parser, options).ConfigureAwait(false);
        var response = await handler(request, context).ConfigureAwait(false);

        // A late answer is none: the caller has been promised DEADLINE_EXCEEDED.
        context.CancellationToken.ThrowIfCancellationRequested();
        GrpcFraming.Write(context.HttpContext.Response.BodyWriter, response, options.MaxSendMessageBytes);
    }
}

internal sealed class ServerStreamingMethod<TRequest, TResponse>(
    MessageParser<TRequest> parser, Func<TRequest, IServerStreamWriter<TResponse>, GrpcCallContext, Task> handler) : GrpcServerMethod
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    public override async Task InvokeAsync(GrpcCallContext context, GrpcServerOptions options)
    {
        var request = await ReadSingleAsync(context, parser, options).ConfigureAwait(false);

        // Clients wait for the headers, and the first message may be hours away.
        var response = context.HttpContext.Response;
        await response.StartAsync(context.CancellationToken).ConfigureAwait(false);
        await response.BodyWriter.FlushAsync(context.CancellationToken).ConfigureAwait(false);

        using var writer = new ServerStreamWriter<TResponse>(response.BodyWriter, options.MaxSendMessageBytes, context.CancellationToken);
        await handler(request, writer, context).ConfigureAwait(false);
    }
}

internal sealed class ServerStreamWriter<T>(PipeWriter writer, int? maxMessageBytes, CancellationToken callCancelled)
    : IServerStreamWriter<T>, IDisposable
    where T : class, IMessage<T>
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async ValueTask WriteAsync(T message, CancellationToken cancellationToken = default)
    {
        callCancelled.ThrowIfCancellationRequested();
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            GrpcFraming.Write(writer, message, maxMessageBytes);

            // Only the end of the call interrupts a flush: giving up one message half-way would break the stream.
            await writer.FlushAsync(callCancelled).ConfigureAwait(false);
            callCancelled.ThrowIfCancellationRequested();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
