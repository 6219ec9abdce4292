using System.Buffers;
using System.Net;
using Gateway.Idempotency;
using Gateway.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Forwarding;

/// <summary>
/// Forwards a request and streams the answer back. While an app restarts the request waits and is sent again, but only when
/// nothing of it was sent, or when sending it twice does no harm: idempotent methods and requests with an idempotency key.
/// </summary>
internal sealed partial class Forwarder(
    Upstream upstream, ServiceAddresses addresses, SidecarAddress sidecar, Canary canary, TimeProvider time, IOptions<GatewayOptions> options,
    IHostApplicationLifetime lifetime, ILogger<Forwarder> logger)
{
    private const int CopyBytes = 16 * 1024;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly GatewayOptions _options = options.Value;

    /// <summary>
    /// 1. Take the body. 2. Send to the next replica, or to the sidecar. 3. Again, while that is allowed and the grace lasts.
    /// 4. Copy the answer.
    /// </summary>
    // (1) docs/architecture.md: the way in.
    public async Task ForwardAsync(HttpContext context, GatewayRoute route, TokenCheck caller)
    {
        var path = route.RewriteFrom is { } from && context.Request.Path.StartsWithSegments(from, out var rest)
            ? new PathString(route.RewriteTo).Add(rest)
            : context.Request.Path;

        ForwardedBody body;
        try
        {
            body = await ForwardedBody.OfAsync(context.Request, _options.ReplayBodyBytes, context.RequestAborted);
        }
        catch (Exception exception) when (FindBadRequest(exception) is { } bad)
        {
            await RefuseBodyAsync(context, bad);
            return;
        }

        var response = await SendAsync(context, route, path, caller, body);
        if (response is null)
        {
            return;
        }

        using (response)
        {
            await CopyAsync(context, response);
        }
    }

    private async Task<HttpResponseMessage?> SendAsync(
        HttpContext context, GatewayRoute route, PathString path, TokenCheck caller, ForwardedBody body)
    {
        var started = time.GetTimestamp();
        var pause = _options.RetryPause;
        while (true)
        {
            foreach (var target in Targets(context.Request, route, path))
            {
                var (response, done) = await TrySendAsync(context, route, target, caller, body);
                if (done)
                {
                    return response;
                }
            }

            if (time.GetElapsedTime(started) + pause > _options.RestartGrace)
            {
                LogUnreachable(logger, route.App, context.Request.Path);
                await UnavailableAsync(context, route);
                return null;
            }

            await Task.Delay(pause, time, context.RequestAborted);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>One try; done false means that the next target may have it.</summary>
    private async Task<(HttpResponseMessage? Response, bool Done)> TrySendAsync(
        HttpContext context, GatewayRoute route, Uri target, TokenCheck caller, ForwardedBody body)
    {
        // Lives as long as the request: an app may answer while the body is still being sent.
        var limit = new CancellationTokenSource(_options.AnswerTimeout, time);
        var timeout = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, limit.Token);
        context.Response.RegisterForDispose(timeout);
        context.Response.RegisterForDispose(limit);
        void Extend() => limit.CancelAfter(_options.AnswerTimeout);

        using var request = ToRequest(context, route, target, caller, body.ToContent(Extend));
        try
        {
            var response = await upstream.Client.SendAsync(request, timeout.Token);
            if (!await IsUnreachableAsync(route, response, context.RequestAborted))
            {
                return (response, true);
            }

            response.Dispose();
            if (MayBeRepeated(context.Request, route) && body.CanBeSent)
            {
                return (null, false);
            }
        }
        catch (HttpRequestException exception) when (FindBadRequest(exception) is { } bad)
        {
            await RefuseBodyAsync(context, bad);
            return (null, true);
        }
        catch (HttpRequestException exception)
        {
            if (body.CanBeSent && (Upstream.WasNotSent(exception) || MayBeRepeated(context.Request, route)))
            {
                return (null, false);
            }

            LogFailed(logger, exception, route.App, context.Request.Path);
        }
        catch (OperationCanceledException) when (!timeout.IsCancellationRequested && body.CanBeSent)
        {
            // The handler's own limit for connecting: nothing was sent.
            return (null, false);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await Problems.WriteAsync(context, StatusCodes.Status504GatewayTimeout, "UPSTREAM_TIMEOUT", $"{route.App} did not answer in time");
            return (null, true);
        }

        await UnavailableAsync(context, route);
        return (null, true);
    }

    /// <summary>The sidecar could not reach the app; or, by address, a replica that is going away sends its streams elsewhere.</summary>
    private static ValueTask<bool> IsUnreachableAsync(GatewayRoute route, HttpResponseMessage response, CancellationToken cancellationToken) =>
        route.ByAddress
            ? ValueTask.FromResult(response.StatusCode == HttpStatusCode.ServiceUnavailable)
            : Upstream.IsSidecarFailureAsync(response, cancellationToken);

    private IReadOnlyList<Uri> Targets(HttpRequest request, GatewayRoute route, PathString path)
    {
        var app = canary.IsFor(request, route) ? Canary.CanaryOf(route) : route.App;
        return route.ByAddress
            ? [.. addresses.InTurn(app).Select(address => new Uri(address, path.ToUriComponent() + request.QueryString.ToUriComponent()))]
            : [sidecar.Invoke(app, path, request.QueryString)];
    }

    private HttpRequestMessage ToRequest(HttpContext context, GatewayRoute route, Uri target, TokenCheck caller, HttpContent? content)
    {
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), target)
        {
            Content = content,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        ForwardedHeaders.CopyRequest(context.Request, request);
        var address = context.Connection.RemoteIpAddress?.ToString();
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", address);
        request.Headers.TryAddWithoutValidation(UserIdentity.AddressHeader, address);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", context.Request.Host.Value);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", context.Request.Scheme);
        request.Headers.TryAddWithoutValidation(ForwardedHeaders.RequestId, RequestIds.Of(context));
        if (canary.IsFor(context.Request, route))
        {
            request.Headers.TryAddWithoutValidation(Canary.Header, "true");
        }

        if (route.ByAddress)
        {
            // The app verifies the token itself and reads no user id from a header.
            if (caller.Identity is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {caller.Token}");
            }

            return request;
        }

        sidecar.Authorize(request);
        if (route.Credentials)
        {
            ForwardedHeaders.CopyCredentials(context.Request, request);
        }

        if (caller.Identity is { } identity)
        {
            ForwardedHeaders.AddIdentity(request, identity);
        }

        return request;
    }

    /// <summary>Copies status, headers and body, each piece as it comes.</summary>
    private async Task CopyAsync(HttpContext context, HttpResponseMessage response)
    {
        context.Response.StatusCode = (int)response.StatusCode;
        ForwardedHeaders.CopyResponse(response, context.Response);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();

        var isStream = Upstream.IsEventStream(response.Content.Headers.ContentType);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted, isStream ? lifetime.ApplicationStopping : CancellationToken.None);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            await context.Response.StartAsync(stop.Token);
            await using var source = await response.Content.ReadAsStreamAsync(stop.Token);
            int read;
            while ((read = await source.ReadAsync(buffer, stop.Token)) > 0)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), stop.Token);
                await context.Response.Body.FlushAsync(stop.Token);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left.
        }
        catch (Exception exception) when (isStream && exception is OperationCanceledException or IOException or HttpRequestException)
        {
            // Ends as if complete: an event stream is resumed by its client, which drops the unfinished event at the end.
            LogStreamEnded(logger, context.Request.Path);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // Half an answer must not look like a whole one.
            LogBroken(logger, exception, context.Request.Path);
            context.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A key says so only where the app knows it: the gateway's own is for the client to repeat.</summary>
    private static bool MayBeRepeated(HttpRequest request, GatewayRoute route) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method)
        || HttpMethods.IsPut(request.Method) || HttpMethods.IsDelete(request.Method) || route.Repeatable
        || (route.Idempotency == IdempotencyBy.App
            && (request.Headers.ContainsKey(IdempotencyKey.Header) || request.Headers.ContainsKey(IdempotencyKey.Alias)));

    /// <summary>The client's fault behind a failure to read its body. The size of a chunk that overflows is the one that the server reports otherwise.</summary>
    public static BadHttpRequestException? FindBadRequest(Exception? exception) => exception switch
    {
        null => null,
        BadHttpRequestException bad => bad,
        IOException { InnerException: OverflowException } => new BadHttpRequestException(exception.Message),
        _ => FindBadRequest(exception.InnerException),
    };

    /// <summary>Says why a request body could not be read.</summary>
    public static Task RefuseBodyAsync(HttpContext context, BadHttpRequestException exception)
    {
        var (code, detail) = exception.StatusCode switch
        {
            StatusCodes.Status413PayloadTooLarge => ("BODY_TOO_LARGE", "The request body is larger than this path allows"),
            StatusCodes.Status408RequestTimeout => ("REQUEST_TIMEOUT", "The request body came too slowly"),
            _ => ("MALFORMED_REQUEST", "The request body could not be read"),
        };
        return Problems.WriteAsync(context, exception.StatusCode, code, detail);
    }

    private static Task UnavailableAsync(HttpContext context, GatewayRoute route)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problems.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "UPSTREAM_UNAVAILABLE", $"{route.App} cannot be reached");
    }

    [LoggerMessage(1001, LogLevel.Warning, "{App} could not be reached for {Path} while the grace lasted")]
    private static partial void LogUnreachable(ILogger logger, string app, string path);

    [LoggerMessage(1002, LogLevel.Warning, "Request to {App} for {Path} failed and must not be sent again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string app, string path);

    [LoggerMessage(1003, LogLevel.Information, "Event stream {Path} ended early; its client resumes it")]
    private static partial void LogStreamEnded(ILogger logger, string path);

    [LoggerMessage(1004, LogLevel.Warning, "Answer for {Path} broke off")]
    private static partial void LogBroken(ILogger logger, Exception exception, string path);
}
