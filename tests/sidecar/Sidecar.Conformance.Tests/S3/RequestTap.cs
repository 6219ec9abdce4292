using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Sidecar.Conformance.Tests.S3;

/// <summary>A request as it passed the tap.</summary>
internal sealed class TappedRequest
{
    public required string Method { get; init; }

    public required string Target { get; set; }

    public required Dictionary<string, string> Headers { get; init; }

    public required byte[] Body { get; set; }
}

/// <summary>A proxy in front of the server that keeps the last request, so that a test can send it again with something changed.</summary>
internal sealed class RequestTap : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { DefaultRequestVersion = HttpVersion.Version11 };
    private readonly string _server;
    private TappedRequest? _last;

    private RequestTap(WebApplication app, string server) => (_app, _server) = (app, server);

    public string Address => _app.Urls.Single();

    public static async Task<RequestTap> StartAsync(string server)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var tap = new RequestTap(app, server);
        app.Run(tap.ForwardAsync);
        await app.StartAsync();
        return tap;
    }

    /// <summary>Sends the last request again; the status of the answer.</summary>
    public async Task<HttpStatusCode> RepeatAsync(Action<TappedRequest> change)
    {
        var copy = new TappedRequest { Method = _last!.Method, Target = _last.Target, Headers = new(_last.Headers), Body = _last.Body };
        change(copy);
        using var answer = await SendAsync(copy);
        return answer.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _last = new TappedRequest
        {
            Method = context.Request.Method,
            Target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            Headers = context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()),
            Body = body.ToArray(),
        };
        using var answer = await SendAsync(_last);
        context.Response.StatusCode = (int)answer.StatusCode;
        await answer.Content.CopyToAsync(context.Response.Body);
    }

    /// <summary>The Host header stays that of the tap: it is part of what was signed.</summary>
    private Task<HttpResponseMessage> SendAsync(TappedRequest request)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), _server + request.Target) { Content = new ByteArrayContent(request.Body) };
        foreach (var (name, value) in request.Headers.Where(header => header.Key is not ("content-length" or "expect")))
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
            {
                message.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return _http.SendAsync(message);
    }
}
