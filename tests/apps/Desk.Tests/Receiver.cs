using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks;

namespace Desk.Tests;

/// <summary>A receiver of callbacks on a real socket, which verifies, keeps what it has handled by id, and answers as it is told. It also serves pictures.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly WebhookVerifier _verifier;

    private Receiver(WebApplication app, WebhookVerifier verifier) => (_app, _verifier) = (app, verifier);

    /// <summary>Everything that came.</summary>
    public ConcurrentQueue<Attempt> Attempts { get; } = [];

    /// <summary>Bodies by id, once each: the effects at a receiver that dedupes.</summary>
    public ConcurrentDictionary<string, string> Effects { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers the n-th attempt (1-based); null takes it with 200.</summary>
    public Func<HttpContext, int, Task>? Answer { get; set; }

    public byte[] Picture { get; set; } = [];

    public string Url => $"{_app.Urls.First()}/hooks/desk";

    public string PictureUrl => PictureUrlOf("desk");

    /// <summary>The same picture at another address.</summary>
    public string PictureUrlOf(string name) => $"{_app.Urls.First()}/{name}.png";

    public static async Task<Receiver> StartAsync(WebhookSecret secret, TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new Receiver(app, new WebhookVerifier([secret], time: time));
        app.MapPost("/hooks/desk", receiver.TakeAsync);
        app.MapGet("/{name}.png", () => Results.Bytes(receiver.Picture, "image/png"));
        await app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext http)
    {
        using var copy = new MemoryStream();
        await http.Request.Body.CopyToAsync(copy);
        var headers = http.Request.Headers;
        string? Header(string name) => headers[name];
        var verdict = _verifier.Verify(Header(WebhookHeaders.Id), Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), copy.ToArray());
        var body = System.Text.Encoding.UTF8.GetString(copy.ToArray());
        Attempts.Enqueue(new Attempt(
            Header(WebhookHeaders.Id)!, body, verdict, headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        if (Answer is { } answer)
        {
            await answer(http, Attempts.Count);
        }

        if (http.Response.StatusCode is >= 200 and <= 299 && !http.RequestAborted.IsCancellationRequested)
        {
            Effects.TryAdd(Header(WebhookHeaders.Id)!, body);
        }
    }

    public sealed record Attempt(string Id, string Body, WebhookVerdict Verdict, IReadOnlyDictionary<string, string> Headers);
}
