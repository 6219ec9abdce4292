using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace Tandem.Protocol.Grpc;

/// <summary>
/// Calls to one gRPC server over HTTP/2 with prior knowledge. Thread-safe; keep one per server. Connections open on
/// demand, and again after a loss; further ones open when the server's stream limit is reached.
/// </summary>
/// <remarks>Stands in for Grpc.Net.Client.</remarks>
public sealed class GrpcChannel : IDisposable
{
    /// <summary>Large enough that a long history does not wait for a window update.</summary>
    private const int StreamWindowBytes = 1024 * 1024;

    private static readonly TransferCodingWithQualityHeaderValue Trailers = new("trailers");

    private readonly Uri _address;
    private readonly GrpcChannelOptions _options;
    private readonly HttpMessageInvoker _invoker;

    public GrpcChannel(Uri address, GrpcChannelOptions? options = null)
    {
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
        {
            throw new ArgumentException($"A gRPC address starts with http:// or https://, not '{address}'.", nameof(address));
        }

        _address = address;
        _options = options ?? new GrpcChannelOptions();
        _invoker = new HttpMessageInvoker(_options.HttpHandler ?? CreateHandler(_options), disposeHandler: true);
    }

    /// <summary>
    /// Calls a method that answers once. <paramref name="path"/> is <c>/Service/Method</c>. Failures are
    /// <see cref="GrpcException"/>; cancellation by the token resets the stream and throws <see cref="OperationCanceledException"/>.
    /// </summary>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        string path, TRequest request, MessageParser<TResponse> parser,
        GrpcCallOptions callOptions = default, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var call = new GrpcClientCall(_options, callOptions, cancellationToken);
        try
        {
            var body = await StartAsync(call, path, request).ConfigureAwait(false);
            var message = await GrpcFraming.ReadAsync(body, parser, _options.MaxReceiveMessageBytes, call.Token).ConfigureAwait(false);
            if (message is not null
                && await GrpcFraming.ReadAsync(body, parser, _options.MaxReceiveMessageBytes, call.Token).ConfigureAwait(false) is not null)
            {
                throw new GrpcException(GrpcStatusCode.Internal, "The server sent more than one message.");
            }

            call.ThrowUnlessOk();
            return message ?? throw new GrpcException(GrpcStatusCode.Internal, "The server sent no message.");
        }
        catch (Exception exception) when (call.Translate(exception) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>
    /// Calls a method that answers with a stream. The call starts with the enumeration and is reset when that ends
    /// early. Failures are as for <see cref="UnaryAsync"/>; a clean end with OK ends the enumeration.
    /// </summary>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        string path, TRequest request, MessageParser<TResponse> parser,
        GrpcCallOptions callOptions = default, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var call = new GrpcClientCall(_options, callOptions, cancellationToken);
        PipeReader? body = null;
        while (true)
        {
            TResponse? message;
            try
            {
                body ??= await StartAsync(call, path, request).ConfigureAwait(false);
                message = await GrpcFraming.ReadAsync(body, parser, _options.MaxReceiveMessageBytes, call.Token).ConfigureAwait(false);
                if (message is null)
                {
                    call.ThrowUnlessOk();
                }
            }
            catch (Exception exception) when (call.Translate(exception) is { } translated)
            {
                throw translated;
            }

            if (message is null)
            {
                yield break;
            }

            yield return message;
        }
    }

    public void Dispose() => _invoker.Dispose();

    private async ValueTask<PipeReader> StartAsync(GrpcClientCall call, string path, IMessage request)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new GrpcMessageContent(request, GrpcFraming.CheckedSize(request, _options.MaxSendMessageBytes)),
        };
        message.Headers.TE.Add(Trailers);
        message.Headers.TryAddWithoutValidation("user-agent", _options.UserAgent);
        message.Headers.TryAddWithoutValidation(GrpcHeaders.AcceptEncoding, GrpcHeaders.Identity);
        if (!string.IsNullOrEmpty(_options.Token))
        {
            message.Headers.TryAddWithoutValidation(GrpcHeaders.ApiToken, _options.Token);
        }

        call.AddHeaders(message.Headers);
        var response = await _invoker.SendAsync(message, call.Token).ConfigureAwait(false);
        return await call.AcceptAsync(response).ConfigureAwait(false);
    }

    private static SocketsHttpHandler CreateHandler(GrpcChannelOptions options) => new()
    {
        // A sidecar is on the loopback or in the pod: a proxy from the environment is never meant for it.
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectTimeout = options.ConnectTimeout,
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = StreamWindowBytes,
        KeepAlivePingDelay = options.KeepAlivePingDelay,
        KeepAlivePingTimeout = options.KeepAlivePingTimeout,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
    };
}
