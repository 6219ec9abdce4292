using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;

namespace Tandem.Protocol.Grpc;

/// <summary>The life of one client call: its deadline, its response, and the status it ends with.</summary>
internal sealed class GrpcClientCall : IDisposable
{
    private readonly GrpcChannelOptions _channelOptions;
    private readonly GrpcCallOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource? _deadline;
    private readonly CancellationTokenSource? _linked;
    private HttpResponseMessage? _response;
    private PipeReader? _body;

    public GrpcClientCall(GrpcChannelOptions channelOptions, GrpcCallOptions options, CancellationToken cancellationToken)
    {
        _channelOptions = channelOptions;
        _options = options;
        _cancellationToken = cancellationToken;
        Token = cancellationToken;
        if (options.Deadline is null)
        {
            return;
        }

        var left = Left(options.Deadline.Value);
        if (left < GrpcTimeout.Longest)
        {
            _deadline = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, channelOptions.TimeProvider);
            _linked = CancellationTokenSource.CreateLinkedTokenSource(_deadline.Token, cancellationToken);
            Token = _linked.Token;
        }
    }

    /// <summary>Ends the call: the caller's cancellation or the deadline.</summary>
    public CancellationToken Token { get; }

    public void AddHeaders(HttpRequestHeaders headers)
    {
        if (_options.Deadline is { } at)
        {
            headers.TryAddWithoutValidation(GrpcHeaders.Timeout, GrpcTimeout.Format(Left(at)));
        }

        foreach (var (name, value) in _options.Headers ?? [])
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Takes the response over and checks that it is one of gRPC; returns its body.</summary>
    public async ValueTask<PipeReader> AcceptAsync(HttpResponseMessage accepted)
    {
        _response = accepted;
        if (accepted.StatusCode != HttpStatusCode.OK && Find(accepted.Headers, GrpcHeaders.Status) is null)
        {
            throw new GrpcException(FromHttpStatus(accepted.StatusCode), $"The server answered HTTP {(int)accepted.StatusCode} without a gRPC status.");
        }

        if (!GrpcHeaders.IsGrpcContentType(accepted.Content.Headers.ContentType?.MediaType))
        {
            throw new GrpcException(GrpcStatusCode.Unknown, $"The server answered with content type '{accepted.Content.Headers.ContentType}'.");
        }

        // Trailers-only: the status stands in the headers.
        if (Find(accepted.Headers, GrpcHeaders.Status) is not null)
        {
            ThrowUnlessOk(accepted.Headers);
        }

        _options.OnResponseStarted?.Invoke(GrpcMetadata.From(accepted.Headers));
        return _body = PipeReader.Create(await accepted.Content.ReadAsStreamAsync(Token).ConfigureAwait(false));
    }

    /// <summary>Throws the status of the finished response unless it is OK.</summary>
    public void ThrowUnlessOk()
    {
        var trailers = Find(_response!.TrailingHeaders, GrpcHeaders.Status) is null ? _response.Headers : _response.TrailingHeaders;
        ThrowUnlessOk(trailers);
        _options.OnCompleted?.Invoke(GrpcMetadata.From(trailers));
    }

    /// <summary>What a caller sees of a failure; null when it is to see the exception as it is.</summary>
    public Exception? Translate(Exception exception)
    {
        if (_cancellationToken.IsCancellationRequested)
        {
            return exception is GrpcException ? null : new OperationCanceledException(exception.Message, exception, _cancellationToken);
        }

        if (_deadline?.IsCancellationRequested == true)
        {
            return new GrpcException(GrpcStatusCode.DeadlineExceeded, "The deadline has passed.", exception);
        }

        return exception switch
        {
            GrpcException => null,
            HttpProtocolException protocol => FromReset(protocol),
            { InnerException: HttpProtocolException protocol } => FromReset(protocol),
            HttpRequestException or IOException => new GrpcException(GrpcStatusCode.Unavailable, exception.Message, exception),
            OperationCanceledException => new GrpcException(GrpcStatusCode.Unavailable, "The connection was closed or did not open in time.", exception),
            _ => null,
        };
    }

    public void Dispose()
    {
        // An unfinished response is reset with CANCEL by this; the reader's buffers go back to their pool.
        _body?.Complete();
        _response?.Dispose();
        _linked?.Dispose();
        _deadline?.Dispose();
    }

    private static void ThrowUnlessOk(HttpResponseHeaders headers)
    {
        var status = Find(headers, GrpcHeaders.Status);
        if (!int.TryParse(status, out var code) || !Enum.IsDefined((GrpcStatusCode)code))
        {
            throw new GrpcException(
                GrpcStatusCode.Unknown, status is null ? "The response ended without grpc-status." : "The server sent an unknown grpc-status.");
        }

        if (code != (int)GrpcStatusCode.Ok)
        {
            throw new GrpcException((GrpcStatusCode)code, GrpcPercentEncoding.Decode(Find(headers, GrpcHeaders.Message) ?? ""))
            {
                Trailers = GrpcMetadata.From(headers),
            };
        }
    }

    private static string? Find(HttpResponseHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    /// <summary>Mapping of HTTP status codes for answers that come from something other than a gRPC server.</summary>
    private static GrpcStatusCode FromHttpStatus(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => GrpcStatusCode.Internal,
        HttpStatusCode.Unauthorized => GrpcStatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => GrpcStatusCode.PermissionDenied,
        HttpStatusCode.NotFound => GrpcStatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    /// <summary>Mapping of RST_STREAM error codes (RFC 9113 §7).</summary>
    private static GrpcException FromReset(HttpProtocolException exception) => new(
        exception.ErrorCode switch
        {
            0x0 => GrpcStatusCode.Unavailable, // GOAWAY of a server that stops.
            0x7 => GrpcStatusCode.Unavailable, // REFUSED_STREAM
            0x8 => GrpcStatusCode.Cancelled, // CANCEL
            0xB => GrpcStatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
            _ => GrpcStatusCode.Internal,
        },
        exception.Message,
        exception);

    private TimeSpan Left(DateTimeOffset at) => at - _channelOptions.TimeProvider.GetUtcNow();
}
