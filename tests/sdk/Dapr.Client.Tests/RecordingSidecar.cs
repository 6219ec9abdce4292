using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Dapr.Client.Tests;

/// <summary>One request as it was on the wire.</summary>
public sealed record Recorded(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Bytes)
{
    public string Body => Encoding.UTF8.GetString(Bytes);
}

/// <summary>Keeps the requests of a client and answers as the test says.</summary>
public sealed class RecordingSidecar : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RecordingSidecar(WebApplication app) => _app = app;

    public ConcurrentQueue<Recorded> Requests { get; } = [];

    /// <summary>The only request.</summary>
    public Recorded Request => Assert.Single(Requests);

    /// <summary>How to answer; 204 without a body unless the test says otherwise.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = http =>
    {
        http.Response.StatusCode = 204;
        return Task.CompletedTask;
    };

    public string Address => _app.Urls.First();

    public DaprClient Client(string token = "", TimeSpan timeout = default) =>
        new DaprClientBuilder().UseHttpEndpoint(Address).UseDaprApiToken(token).UseTimeout(timeout).Build();

    public static async Task<RecordingSidecar> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        var sidecar = new RecordingSidecar(app);
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            sidecar.Requests.Enqueue(new Recorded(
                http.Request.Method, http.Features.Get<IHttpRequestFeature>()!.RawTarget,
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
            await sidecar.Answer(http);
        });
        await app.StartAsync();
        return sidecar;
    }

    public RecordingSidecar Answers(int status, string body = "", string? etag = null, string contentType = "application/json")
    {
        Answer = async http =>
        {
            http.Response.StatusCode = status;
            if (etag is not null)
            {
                http.Response.Headers["ETag"] = etag;
            }

            if (body.Length > 0)
            {
                http.Response.ContentType = contentType;
                await http.Response.WriteAsync(body);
            }
        };
        return this;
    }

    /// <summary>Has a port that refuses connections and that nobody else is given: it is bound, but does not listen.</summary>
    public static Socket Refusing()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
