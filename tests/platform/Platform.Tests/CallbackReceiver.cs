using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks;

namespace Platform.Tests;

/// <summary>What a receiver does with a message.</summary>
internal enum Manner
{
    /// <summary>Takes it.</summary>
    Takes,

    /// <summary>Has always moved elsewhere.</summary>
    Redirects,

    /// <summary>400.</summary>
    Refuses,

    /// <summary>401.</summary>
    Locked,

    /// <summary>410.</summary>
    Gone,

    /// <summary>429 with a wish first, then takes it.</summary>
    Limits,

    /// <summary>500 three times, then takes it.</summary>
    Fails,

    /// <summary>No answer first for as long as the sender listens, then takes it.</summary>
    Silent,

    /// <summary>Acts on it, then cuts the connection; takes the repetition.</summary>
    Cuts,

    /// <summary>Takes it with an answer whose body never ends.</summary>
    Drips,

    /// <summary>Asked by https, and speaks no TLS.</summary>
    Plain,

    /// <summary>Refuses connections for a long time, then takes it.</summary>
    Away,
}

/// <summary>A message as it came.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Body">Its body.</param>
/// <param name="Verdict">Of the signature.</param>
/// <param name="IsTaken">Whether the receiver acted on it, a repetition or not.</param>
internal sealed record CallbackAttempt(string Id, string Body, WebhookVerdict Verdict, bool IsTaken);

/// <summary>
/// A receiver of callbacks on a real socket with the signing secret of a run. What it does is in the path, <see cref="Manner"/> and a number, so every
/// message has a receiver of its own. It also has a picture at any number of addresses.
/// </summary>
internal sealed class CallbackReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Wish = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, int> _asked = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<CallbackAttempt> _attempts = [];
    private readonly WebhookVerifier _verifier;
    private readonly Socket _place = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private WebApplication? _app;

    /// <summary>Has an address where connections are refused until <see cref="OpenAsync"/>.</summary>
    /// <param name="run">Whose messages it gets.</param>
    public CallbackReceiver(PlatformRun run)
    {
        // The launcher makes the secret with the run.
        using var secrets = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(run.DataDirectory, "secrets.json")));
        _verifier = new WebhookVerifier([.. secrets.RootElement.GetProperty("callback-signing").GetString()!.Split(' ').Select(WebhookSecret.Parse)]);
        _place.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Port = ((IPEndPoint)_place.LocalEndPoint!).Port;
    }

    public int Port { get; }

    /// <summary>Everything that came.</summary>
    public IReadOnlyCollection<CallbackAttempt> Attempts => _attempts;

    /// <summary>Requests that came because a redirect was followed.</summary>
    public int Followed { get; private set; }

    public static async Task<CallbackReceiver> StartAsync(PlatformRun run)
    {
        var receiver = new CallbackReceiver(run);
        await receiver.OpenAsync();
        return receiver;
    }

    public string Hook(Manner manner, int number) => $"{(manner == Manner.Plain ? "https" : "http")}://127.0.0.1:{Port}/hooks/{manner}/{number}";

    public string Picture(int number) => $"http://127.0.0.1:{Port}/pictures/{number}.png";

    public async Task OpenAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Port}");
        _app = builder.Build();
        _app.MapPost("/hooks/{manner}/{number:int}", TakeAsync);
        _app.Map("/elsewhere", () => Followed++);
        _app.MapGet("/pictures/{number:int}.png", () => Results.Bytes(PlatformRun.Picture, "image/png"));
        _place.Dispose();
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _place.Dispose();
        if (_app is not null)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
        }
    }

    private async Task TakeAsync(HttpContext http, Manner manner)
    {
        using var copy = new MemoryStream();
        await http.Request.Body.CopyToAsync(copy);
        string? Header(string name) => http.Request.Headers[name];
        var verdict = _verifier.Verify(Header(WebhookHeaders.Id), Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), copy.ToArray());
        var number = _asked.AddOrUpdate(http.Request.Path, 1, (_, before) => before + 1);
        var status = manner switch
        {
            Manner.Redirects => StatusCodes.Status307TemporaryRedirect,
            Manner.Refuses => StatusCodes.Status400BadRequest,
            Manner.Locked => StatusCodes.Status401Unauthorized,
            Manner.Gone => StatusCodes.Status410Gone,
            Manner.Limits when number == 1 => StatusCodes.Status429TooManyRequests,
            Manner.Fails when number <= 3 => StatusCodes.Status500InternalServerError,
            Manner.Silent when number == 1 => (int?)null,
            _ => StatusCodes.Status200OK,
        };
        _attempts.Enqueue(new CallbackAttempt(Header(WebhookHeaders.Id) ?? "", Encoding.UTF8.GetString(copy.ToArray()), verdict, status == StatusCodes.Status200OK));
        if (status is null)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return;
        }

        if (manner == Manner.Cuts && number == 1)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = status.Value;
        if (manner == Manner.Redirects)
        {
            http.Response.Headers.Location = $"http://127.0.0.1:{Port}/elsewhere";
        }
        else if (status == StatusCodes.Status429TooManyRequests)
        {
            http.Response.Headers.RetryAfter = $"{Wish.TotalSeconds:0}";
        }
        else if (manner == Manner.Drips)
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.WriteAsync(".", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(500), http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }
}
