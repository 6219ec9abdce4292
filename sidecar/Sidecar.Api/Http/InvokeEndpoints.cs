using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;
using Sidecar.Runtime.Invocation;

namespace Sidecar.Api.Http;

/// <summary>
/// Service invocation (dapr-http §4). Steps: 1. the target from header, basic auth or path, and whether it takes this; 2. the request without hop-by-hop and
/// dapr headers; 3. an instance of the callee; 4. status and headers; 5. the body, flushed piece by piece.
/// </summary>
internal static class InvokeEndpoints
{
    private const string AppIdHeader = "dapr-app-id";
    private const int BufferSize = 16 * 1024;

    /// <summary>Bodies up to this length are kept always; where a policy repeats requests, as large a body as the API takes.</summary>
    private const int RepeatableBytes = 64 * 1024;

    private static readonly Uri AnyHost = new("http://app");

    public static void MapInvoke(this IEndpointRouteBuilder routes)
    {
        routes.Map("/v1.0/invoke/{appId}/method/{**path}", http => InvokeAsync(http, Uri.UnescapeDataString(http.Route("appId"))));
        routes.MapFallback("{**path}", http => InvokeAsync(http, ExternalTarget(http.Request)));
    }

    private static async Task InvokeAsync(HttpContext http, string? pathTarget)
    {
        // 1. The target.
        var target = HeaderTarget(http.Request) ?? BasicTarget(http.Request) ?? pathTarget ?? throw InvocationErrors.NoTarget();
        var invocation = (InvocationService)http.RequestServices.GetService(typeof(InvocationService))!;
        if (invocation.IsGuarded(target))
        {
            invocation.Authorize(http.App(), target, http.Request.Method, Address(AnyHost, pathTarget is not null, http.Request).AbsolutePath);
        }

        http.AllowAnyBody();
        var caller = http.App();
        var request = http.Request;
        var hasBody = request.ContentLength > 0 || (request.ContentLength is null && request.Headers.TransferEncoding.Count > 0);
        var repeatable = !hasBody || request.ContentLength <= RepeatableBytes
            || (request.ContentLength <= caller.Instance.MaxBodyBytes && invocation.IsRepeated(caller, target));
        var body = hasBody && repeatable ? await http.ReadBodyAsync() : default;

        // 2. The request.
        HttpRequestMessage Create(Uri address)
        {
            var message = new HttpRequestMessage(new HttpMethod(request.Method), Address(address, pathTarget is not null, request))
            {
                Content = !hasBody ? null : repeatable ? new ReadOnlyMemoryContent(body) : new StreamContent(request.Body, BufferSize),
            };
            CopyHeaders(request, message);
            InvocationHeaders.AddParties(message, caller, target, request.Host.Value);
            return message;
        }

        // 3. An instance of the callee.
        using var response = await invocation.SendAsync(caller, target, http.Request.RouteValues["path"] as string ?? "", Create, repeatable, http.RequestAborted);
        await ForwardAsync(http, response);
    }

    private static async Task ForwardAsync(HttpContext http, HttpResponseMessage response)
    {
        // 4. Status and headers.
        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.NonValidated)
        {
            if (InvocationHeaders.IsForwarded(name))
            {
                http.Response.Headers[name] = ToValues(values);
            }
        }

        foreach (var (name, values) in response.Content.Headers.NonValidated)
        {
            http.Response.Headers[name] = ToValues(values);
        }

        if (response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified || HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }

        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            // A stream of events may be silent at first; its headers tell the client that it is connected.
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        // 5. The body.
        await using var body = await response.Content.ReadAsStreamAsync(http.RequestAborted);
        var writer = http.Response.BodyWriter;
        try
        {
            while (true)
            {
                var read = await body.ReadAsync(writer.GetMemory(BufferSize), http.RequestAborted);
                if (read == 0)
                {
                    return;
                }

                writer.Advance(read);
                await writer.FlushAsync(http.RequestAborted);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // The callee broke off in the middle: so must we, or the caller would take half for the whole.
            http.Abort();
        }
    }

    private static StringValues ToValues(System.Net.Http.Headers.HeaderStringValues values) =>
        values.Count == 1 ? new StringValues(values.ToString()) : new StringValues([.. values]);

    private static void CopyHeaders(HttpRequest request, HttpRequestMessage message)
    {
        var connection = request.Headers.Connection;
        foreach (var (name, values) in request.Headers)
        {
            if (!InvocationHeaders.IsForwarded(name)
                || (connection.Count > 0 && connection.ToString().Contains(name, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            if (!message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
    }

    private static Uri Address(Uri address, bool isUrlForm, HttpRequest request)
    {
        // The raw target keeps the caller's escaping; only the prefix of the URL form is cut off.
        var raw = RawTarget(request);
        var query = raw.IndexOf('?');
        var rawPath = query < 0 ? raw : raw[..query];
        var marker = isUrlForm ? rawPath.IndexOf("/method/", StringComparison.Ordinal) : -1;
        var method = marker >= 0 ? rawPath[(marker + "/method/".Length)..] : isUrlForm ? "" : rawPath;
        return InvocationAddress.Of(address, query < 0 || query == raw.Length - 1 ? method : method + raw[query..]);
    }

    private static string RawTarget(HttpRequest request) => request.HttpContext.Features.Get<IHttpRequestFeature>()!.RawTarget;

    /// <summary>The address in <c>/v1.0/invoke/http://host:port/method/…</c>, whose slashes no route matches; null for any other path.</summary>
    private static string? ExternalTarget(HttpRequest request)
    {
        const string Prefix = "/v1.0/invoke/";
        var raw = RawTarget(request);
        var end = raw.IndexOf("/method/", StringComparison.Ordinal);
        return raw.StartsWith(Prefix, StringComparison.Ordinal) && end > Prefix.Length && InvocationAddress.External(raw[Prefix.Length..end]) is { } address
            ? address.ToString()
            : null;
    }

    private static string? HeaderTarget(HttpRequest request) => request.Headers[AppIdHeader] is [{ Length: > 0 } id, ..] ? id : null;

    /// <summary>Basic authentication with user <c>dapr-app-id</c>: the password is the target.</summary>
    private static string? BasicTarget(HttpRequest request)
    {
        if (request.Headers.Authorization is not [{ } value, ..] || !value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var buffer = new byte[value.Length];
        return Convert.TryFromBase64String(value["Basic ".Length..], buffer, out var length)
            && Encoding.UTF8.GetString(buffer, 0, length).Split(':', 2) is [AppIdHeader, { Length: > 0 } target]
            ? target
            : null;
    }
}
