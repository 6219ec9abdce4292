using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Tandem.Protocol.Grpc;

/// <summary>Serves the calls of one service: checks, deadline, status and trailers around <see cref="GrpcServerMethod"/>.</summary>
internal sealed partial class GrpcServerHandler(
    GrpcService service, GrpcServerOptions options, TimeProvider timeProvider, ILogger<GrpcServerHandler> logger)
{
    private readonly byte[]? _expectedToken =
        string.IsNullOrEmpty(options.ApiToken) ? null : Encoding.UTF8.GetBytes(options.ApiToken);

    public async Task InvokeAsync(HttpContext httpContext)
    {
        if (!HttpProtocol.IsHttp2(httpContext.Request.Protocol))
        {
            httpContext.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            httpContext.Response.Headers.Upgrade = "h2c";
            return;
        }

        if (!GrpcHeaders.IsGrpcContentType(httpContext.Request.ContentType))
        {
            httpContext.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        RemoveBodyLimits(httpContext);
        httpContext.Response.ContentType = GrpcHeaders.ContentType;

        TimeSpan? timeout = null;
        var timeoutHeader = httpContext.Request.Headers[GrpcHeaders.Timeout];
        if (timeoutHeader.Count > 0)
        {
            if (!GrpcTimeout.TryParse(timeoutHeader.ToString(), out var parsed))
            {
                Finish(httpContext, GrpcStatusCode.Internal, "The grpc-timeout header is not valid.");
                return;
            }

            timeout = parsed;
        }

        using var deadlineSource = timeout < GrpcTimeout.Longest ? new CancellationTokenSource(timeout.Value, timeProvider) : null;
        using var linked = deadlineSource is null
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(deadlineSource.Token, httpContext.RequestAborted);
        var context = new GrpcCallContext(
            httpContext,
            timeout is null ? null : timeProvider.GetUtcNow() + timeout.Value,
            linked?.Token ?? httpContext.RequestAborted);

        await ServeAsync(context, deadlineSource).ConfigureAwait(false);
    }

    private async Task ServeAsync(GrpcCallContext context, CancellationTokenSource? deadline)
    {
        var httpContext = context.HttpContext;
        try
        {
            var method = Authorized(httpContext);
            await method.InvokeAsync(context, options.For(httpContext)).ConfigureAwait(false);
            Finish(httpContext, GrpcStatusCode.Ok, null, context.ResponseTrailers);
        }
        catch (Exception) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; there is nobody to tell.
        }
        catch (Exception) when (deadline?.IsCancellationRequested == true)
        {
            Finish(httpContext, GrpcStatusCode.DeadlineExceeded, "The deadline has passed.", context.ResponseTrailers);
        }
        catch (GrpcException exception)
        {
            if (exception.StatusCode == GrpcStatusCode.Unimplemented)
            {
                // The sender of a compressed message learns here what it may send instead.
                httpContext.Response.Headers.TryAdd(GrpcHeaders.AcceptEncoding, GrpcHeaders.Identity);
            }

            Finish(httpContext, exception.StatusCode, exception.Detail, context.ResponseTrailers);
        }
        catch (OperationCanceledException)
        {
            Finish(httpContext, GrpcStatusCode.Cancelled, "The server cancelled the call.", context.ResponseTrailers);
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception, httpContext.Request.Path);

            // The text of an unexpected exception may hold what the caller must not see.
            Finish(httpContext, GrpcStatusCode.Unknown, "The method failed.", context.ResponseTrailers);
        }
    }

    private GrpcServerMethod Authorized(HttpContext httpContext)
    {
        if (_expectedToken is not null && !TokenMatches(httpContext.Request.Headers[GrpcHeaders.ApiToken]))
        {
            throw new GrpcException(GrpcStatusCode.Unauthenticated, "The dapr-api-token is missing or wrong.");
        }

        if (options.Authorize?.Invoke(httpContext) == false)
        {
            throw new GrpcException(GrpcStatusCode.Unauthenticated, "The call is not authorized.");
        }

        var name = httpContext.GetRouteValue("method") as string ?? "";
        return service.Methods.TryGetValue(name, out var method)
            ? method
            : throw new GrpcException(GrpcStatusCode.Unimplemented, $"{service.Name} has no method {name}.");
    }

    private bool TokenMatches(StringValues sent) =>
        sent.Count == 1 && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent[0] ?? ""), _expectedToken);

    /// <summary>Status as trailers; as headers ("trailers-only") while no header has been sent.</summary>
    private static void Finish(HttpContext httpContext, GrpcStatusCode status, string? detail, IHeaderDictionary? trailers = null)
    {
        // Headers are unsent but a message may wait in the body writer, which OK answers always have.
        var started = httpContext.Response.HasStarted || status == GrpcStatusCode.Ok;
        var destination = started
            ? httpContext.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers
            : httpContext.Response.Headers;

        foreach (var (name, value) in trailers ?? new HeaderDictionary())
        {
            destination[name] = value;
        }

        destination[GrpcHeaders.Status] = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(detail))
        {
            destination[GrpcHeaders.Message] = GrpcPercentEncoding.Encode(detail);
        }
    }

    /// <summary>Messages have their own limit, and a stream may be idle for as long as it likes.</summary>
    private static void RemoveBodyLimits(HttpContext httpContext)
    {
        if (httpContext.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (httpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
    }

    [LoggerMessage(6900, LogLevel.Error, "gRPC call {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, PathString path);
}
