using System.Buffers;
using System.Buffers.Text;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Load.Sidecars;

/// <summary>
/// The app that handles topic <c>load</c> of every broker. It lives in the process that publishes, so that one memory knows when a message was
/// sent and handled.
/// </summary>
internal sealed class MessageHandler : IAsyncDisposable
{
    /// <summary>Before the ten digits of a message's number.</summary>
    private static ReadOnlySpan<byte> Mark => "\"number\":\""u8;

    private readonly WebApplication _app;

    private MessageHandler(WebApplication app) => _app = app;

    /// <summary>What is measured now.</summary>
    public MessageTurn? Turn { get; set; }

    /// <summary>Listens, and tells the sidecar which brokers to subscribe to; RabbitMQ is asked for a quorum queue.</summary>
    public static async Task<MessageHandler> StartAsync(int port, IEnumerable<string> brokers, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var handler = new MessageHandler(builder.Build());
        object[] subscriptions = [.. brokers.Select(broker => new
        {
            pubsubname = broker,
            topic = "load",
            route = "/message",
            metadata = broker == "rabbitmq" ? new Dictionary<string, string> { ["queueType"] = "quorum" } : [],
        })];
        handler._app.MapGet("/dapr/subscribe", () => Results.Json(subscriptions));
        handler._app.MapPost("/message", handler.HandleAsync);
        await handler._app.StartAsync(cancellationToken);
        return handler;
    }

    private async Task HandleAsync(HttpContext http)
    {
        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(http.RequestAborted);
            if (read.IsCompleted)
            {
                Turn?.Handle(Number(read.Buffer.IsSingleSegment ? read.Buffer.FirstSpan : read.Buffer.ToArray()));
                reader.AdvanceTo(read.Buffer.End);
                return;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static long Number(ReadOnlySpan<byte> envelope) =>
        envelope.IndexOf(Mark) is >= 0 and var at && Utf8Parser.TryParse(envelope[(at + Mark.Length)..], out long number, out _) ? number : -1;

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
