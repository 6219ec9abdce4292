using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;
using Sidecar.Conformance.Tests;
using TestServers;

namespace Sidecar.Runtime.Tests;

/// <summary>After the retries a message is in its dead-letter topic with the reason, whatever the broker.</summary>
public sealed class DeadLetterBrokerTests
{
    private const string Retries = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies: {retries: {twice: {policy: constant, duration: 10ms, maxRetries: 2}}}
          targets: {components: {bus: {inbound: {retry: twice}}}}
        """;

    private readonly ConcurrentQueue<(string Path, JsonElement Envelope)> _received = [];

    [Theory]
    [InlineData("pubsub.in-memory")]
    [InlineData("pubsub.tandem")]
    [InlineData("pubsub.redis")]
    [InlineData("pubsub.rabbitmq")]
    public async Task A_message_that_nobody_handles_is_there_with_its_reason(string type)
    {
        var topic = $"orders-{Guid.NewGuid():N}";
        await using var run = new TestRun().Component("bus", type, await MetadataAsync(type)).Yaml("resiliency.yaml", Retries);
        await run.AppAsync("shop", app =>
        {
            app.MapGet("/dapr/subscribe", () => new object[]
            {
                new { pubsubname = "bus", topic, route = "/orders", deadLetterTopic = $"{topic}-dead" },
                new { pubsubname = "bus", topic = $"{topic}-dead", route = "/dead" },
            });
            app.MapPost("/{path}", async (string path, HttpRequest request) =>
            {
                using var envelope = await JsonDocument.ParseAsync(request.Body);
                _received.Enqueue((path, envelope.RootElement.Clone()));
                return path == "dead" ? Results.Ok() : Results.Problem("no room left", statusCode: 500);
            });
        });
        await run.StartAsync();
        await TestRun.Eventually(() => run.Sidecar.Apps[0].IsServing);
        using var http = run.Client();

        using var published = await http.PostAsJsonAsync($"/v1.0/publish/bus/{topic}?metadata.cloudevent.id=poison", new { n = 7 });
        Assert.True(published.IsSuccessStatusCode);
        await TestRun.Eventually(() => _received.Any(delivery => delivery.Path == "dead"));

        Assert.Equal(["orders", "orders", "orders", "dead"], _received.Select(delivery => delivery.Path));
        var letter = _received.Last().Envelope;
        Assert.Equal(
            ("poison", topic, 7, "the app answered 500: no room left"),
            (letter.GetProperty("id").GetString(), letter.GetProperty("topic").GetString(), letter.GetProperty("data").GetProperty("n").GetInt32(),
                letter.GetProperty("deadletterreason").GetString()));
    }

    private static async Task<string> MetadataAsync(string type) => type switch
    {
        "pubsub.redis" => $"redisHost=127.0.0.1:{(await Servers.RedisAsync()).Port};{Patient.Redis}",
        "pubsub.rabbitmq" => $"connectionString={await (await Servers.RabbitMqAsync()).CreateVhostAsync(Guid.NewGuid().ToString("N"))};{Patient.RabbitMq};durable=true;deletedWhenUnused=false",
        _ => "",
    };
}
