using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace ModelServers;

/// <summary>
/// A server that speaks the real protocols of model providers on loopback. What it says is scripted with <see cref="Next"/> or thought up by
/// <see cref="Brain"/>; how it says it, and how it fails, is the protocol's.
/// </summary>
public sealed class ModelServer(TimeProvider? time = null) : IAsyncDisposable
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentQueue<ModelReply> _next = [];
    private readonly List<ModelRequest> _requests = [];
    private readonly List<string> _rejected = [];
    private WebApplication? _app;
    private int _running;
    private int _maxConcurrent;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app!.Urls.First());

    /// <summary>Answers when nothing is scripted. Default: the text <c>ok</c>.</summary>
    public Func<ModelRequest, ModelReply> Brain { get; set; } = _ => ModelReply.Text("ok");

    /// <summary>Whether <see cref="Requests"/> keeps them; a load run does without, they have pictures in them. Default true.</summary>
    public bool KeepsRequests { get; init; } = true;

    /// <summary>Every request that was understood, also those that were failed or given up by their caller.</summary>
    public IReadOnlyList<ModelRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>What was wrong with requests that the real server would not have taken either.</summary>
    public IReadOnlyList<string> Rejected
    {
        get
        {
            lock (_rejected)
            {
                return [.. _rejected];
            }
        }
    }

    /// <summary>Requests at this moment.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Most requests at one time.</summary>
    public int MaxConcurrent => Volatile.Read(ref _maxConcurrent);

    /// <summary>Starts a server on a free port of 127.0.0.1.</summary>
    public static async Task<ModelServer> StartAsync(params IModelProtocol[] protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        // Pictures as data URIs are larger than the default limit of a body.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var server = new ModelServer { _app = builder.Build() };
        server.Map(server._app, protocols);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Serves the protocols from an application that somebody else runs.</summary>
    public void Map(IEndpointRouteBuilder routes, params IModelProtocol[] protocols)
    {
        foreach (var protocol in protocols)
        {
            protocol.Map(routes, this);
        }
    }

    /// <summary>Scripts the next replies, in order.</summary>
    public void Next(params ModelReply[] replies)
    {
        foreach (var reply in replies)
        {
            _next.Enqueue(reply);
        }
    }

    /// <summary>Handles one request of a protocol.</summary>
    public async Task HandleAsync(HttpContext http, WireFormat format)
    {
        CountIn();
        try
        {
            ModelRequest request;
            try
            {
                request = await format.ReadAsync(http) with { At = _time.GetUtcNow(), Aborted = http.RequestAborted, Connection = http.Connection.Id };
            }
            catch (WireException rejected)
            {
                lock (_rejected)
                {
                    _rejected.Add($"{http.Request.Path}: {rejected.Message}");
                }

                await FailAsync(http, format, new StatusReply(rejected.Status) { ErrorCode = rejected.Code, Message = rejected.Message }, key: null);
                return;
            }

            if (KeepsRequests)
            {
                lock (_requests)
                {
                    _requests.Add(request);
                }
            }

            await ReplyAsync(http, format, request, _next.TryDequeue(out var reply) ? reply : Brain(request));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            // Not gracefully: a test may end while a reply is still waiting.
            await _app.StopAsync(new CancellationToken(canceled: true));
            await _app.DisposeAsync();
        }
    }

    private async Task ReplyAsync(HttpContext http, WireFormat format, ModelRequest request, ModelReply reply)
    {
        var cancellationToken = http.RequestAborted;
        if (reply.Before is { } before)
        {
            await before(cancellationToken);
        }

        switch (reply)
        {
            case StatusReply status:
                await FailAsync(http, format, status, request.Key);
                break;
            case NoPictureReply none when format.Declined(none) is { } error:
                await FailAsync(http, format, error, request.Key);
                break;
            case StreamErrorReply failed when !request.Streamed:
                await FailAsync(http, format, failed.Error, request.Key);
                break;
            case CutReply { Pieces: null }:
                http.Abort();
                return;
            case MalformedReply:
                http.Response.ContentType = request.Streamed ? "text/event-stream" : "application/json";
                await http.Response.WriteAsync(request.Streamed ? format.MalformedFrame : "{\"id\": broken", cancellationToken);
                break;
            case CutReply or UnfinishedReply or IdleReply or StreamErrorReply:
                await BreakAsync(http, format, request, reply, cancellationToken);
                break;
            default:
                await WriteAsync(http, format, request, reply, cancellationToken);
                break;
        }

        reply.Sent?.Invoke();
    }

    private static async Task WriteAsync(HttpContext http, WireFormat format, ModelRequest request, ModelReply reply, CancellationToken cancellationToken)
    {
        if (!request.Streamed)
        {
            http.Response.ContentType = "application/json";
            await http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(format.Whole(request, reply)), cancellationToken);
            return;
        }

        var frames = format.Stream(request, reply);
        await WriteFramesAsync(http, frames.Before, cancellationToken);
        foreach (var piece in frames.Pieces)
        {
            await WriteFramesAsync(http, [piece], cancellationToken);
            if (reply.Between is { } between)
            {
                await between(cancellationToken);
            }
        }

        await WriteFramesAsync(http, frames.After, cancellationToken);
    }

    /// <summary>Begins an answer and breaks it off, or pauses in it.</summary>
    private static async Task BreakAsync(HttpContext http, WireFormat format, ModelRequest request, ModelReply reply, CancellationToken cancellationToken)
    {
        if (reply is CutReply)
        {
            // More than will come: the connection then ends after what was written, which an abort may overtake.
            http.Response.ContentLength = int.MaxValue;
        }

        var pieces = reply switch
        {
            CutReply cut => cut.Pieces!.Value,
            UnfinishedReply unfinished => unfinished.Pieces,
            StreamErrorReply failed => failed.Pieces,
            _ => ((IdleReply)reply).Pieces,
        };
        string[] rest;
        if (request.Streamed)
        {
            var frames = format.Stream(request, ModelReply.Sample);
            await WriteFramesAsync(http, [.. frames.Before, .. frames.Pieces.Take(pieces)], cancellationToken);
            rest = [.. frames.Pieces.Skip(pieces), .. frames.After];
        }
        else
        {
            var body = format.Whole(request, ModelReply.Sample).ToJsonString();
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(body[..(body.Length / 2)], cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
            rest = [body[(body.Length / 2)..]];
        }

        switch (reply)
        {
            case StreamErrorReply failed:
                await WriteFramesAsync(http, [format.ErrorFrame(failed.Error, MessageOf(failed.Error, request.Key))], cancellationToken);
                break;
            case IdleReply idle:
                await idle.Until.WaitAsync(cancellationToken);
                await WriteFramesAsync(http, rest, cancellationToken, http.Response.ContentType!);
                break;
        }
    }

    private static async Task WriteFramesAsync(
        HttpContext http, IReadOnlyList<string> frames, CancellationToken cancellationToken, string contentType = "text/event-stream")
    {
        if (!http.Response.HasStarted)
        {
            http.Response.ContentType = contentType;
        }

        foreach (var frame in frames)
        {
            await http.Response.WriteAsync(frame, cancellationToken);
        }

        await http.Response.Body.FlushAsync(cancellationToken);
    }

    private async Task FailAsync(HttpContext http, WireFormat format, StatusReply reply, string? key)
    {
        var (status, body) = format.Error(reply, MessageOf(reply, key));
        http.Response.StatusCode = status;
        if (reply.RetryAfter is { } wait)
        {
            var now = _time.GetUtcNow();
            var (header, value) = reply switch
            {
                { RetryAfterAsMilliseconds: true } => ("retry-after-ms", ((long)wait.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)),
                { RetryAfterAsDate: true } => ("Retry-After", (now + wait).ToString("R", CultureInfo.InvariantCulture)),
                _ => ("Retry-After", ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture)),
            };
            http.Response.Headers[header] = value;
            // The server's own may be of another second than what is reckoned from it.
            http.Response.Headers.Date = now.ToString("R", CultureInfo.InvariantCulture);
        }

        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString(), http.RequestAborted);
    }

    private static string MessageOf(StatusReply reply, string? key) => reply.Message ?? $"failed on purpose for key {key}";

    private void CountIn()
    {
        var running = Interlocked.Increment(ref _running);
        for (var seen = Volatile.Read(ref _maxConcurrent); running > seen; seen = Volatile.Read(ref _maxConcurrent))
        {
            Interlocked.CompareExchange(ref _maxConcurrent, running, seen);
        }
    }
}
