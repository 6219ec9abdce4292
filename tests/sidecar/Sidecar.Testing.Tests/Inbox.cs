using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Testing.Tests;

/// <summary>An app that subscribes to a topic and keeps the numbers it gets.</summary>
internal sealed class Inbox(string topic = "orders", string pubsub = "pubsub")
{
    /// <summary>Numbers in the order of their arrival.</summary>
    public ConcurrentQueue<int> Numbers { get; } = [];

    /// <summary>Runs before a message is answered; what it returns is the status.</summary>
    public Func<int, Task<int>> OnMessage { get; set; } = _ => Task.FromResult(200);

    public void Map(WebApplication app)
    {
        app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = pubsub, topic, route = "/inbox" } });
        app.MapPost("/inbox", async (HttpContext http) =>
        {
            using var envelope = await JsonDocument.ParseAsync(http.Request.Body);
            var number = envelope.RootElement.GetProperty("data").GetProperty("number").GetInt32();
            Numbers.Enqueue(number);
            http.Response.StatusCode = await OnMessage(number);
        });
    }
}
