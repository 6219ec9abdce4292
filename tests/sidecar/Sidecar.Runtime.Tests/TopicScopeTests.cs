using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using Sidecar.Runtime.PubSub;

namespace Sidecar.Runtime.Tests;

public sealed class TopicScopeTests
{
    private const string Bus =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: bus}
        spec:
          type: pubsub.in-memory
          version: v1
          metadata:
            - {name: allowedTopics, value: "open,closed,private"}
            - {name: protectedTopics, value: "private"}
            - {name: publishingScopes, value: "writer=open,closed;mute="}
            - {name: subscriptionScopes, value: "reader=open"}
        """;

    [Theory]
    [InlineData(0, "open", null)]
    [InlineData(0, "private", "ERR_PUBSUB_FORBIDDEN")]
    [InlineData(0, "unheard-of", "ERR_PUBSUB_FORBIDDEN")]
    [InlineData(1, "open", "ERR_PUBSUB_FORBIDDEN")]
    [InlineData(2, "open", null)]
    [InlineData(2, "private", "ERR_PUBSUB_FORBIDDEN")]
    public async Task Publishing_follows_the_scopes(int app, string topic, string? code)
    {
        await using var run = new TestRun().Yaml("bus.yaml", Bus);
        await run.AppAsync("writer");
        await run.AppAsync("mute");
        await run.AppAsync("unnamed");
        await run.StartAsync();
        using var http = run.Client(app);

        var sent = http.PostAsJsonAsync($"/v1.0/publish/bus/{topic}", "m");

        if (code is null)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await sent).StatusCode);
        }
        else
        {
            Assert.Equal((403, code), await sent.ErrorAsync());
        }
    }

    [Fact]
    public async Task A_subscription_outside_of_the_scopes_gets_nothing()
    {
        var received = new ConcurrentQueue<string>();
        await using var run = new TestRun().Yaml("bus.yaml", Bus);
        await run.AppAsync("writer");
        await run.AppAsync("reader", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text(
                """[{"pubsubname":"bus","topic":"closed","route":"/closed"},{"pubsubname":"bus","topic":"open","route":"/open"}]""", "application/json"));
            app.MapPost("/{topic}", (string topic) => received.Enqueue(topic));
        });
        await run.StartAsync();
        using var http = run.Client();

        for (var round = 0; round < 5; round++)
        {
            (await http.PostAsJsonAsync("/v1.0/publish/bus/closed", "m")).EnsureSuccessStatusCode();
            (await http.PostAsJsonAsync("/v1.0/publish/bus/open", "m")).EnsureSuccessStatusCode();
        }

        await TestRun.Eventually(() => received.Count(topic => topic == "open") == 5);
        Assert.DoesNotContain("closed", received);
    }

    [Theory]
    [InlineData("subscriptionScopes", "a=t,u;b=", "a", "u", true)]
    [InlineData("subscriptionScopes", "a=t,u;b=", "b", "t", false)]
    [InlineData("subscriptionScopes", "a=t,u;b=", "c", "t", true)]
    [InlineData("publishingScopes", "a=t", "a", "u", true)]
    [InlineData("protectedTopics", "t", "a", "t", false)]
    [InlineData("allowedTopics", "u", "a", "t", false)]
    public void Subscribing_follows_the_rules_of_its_own_metadata(string name, string value, string appId, string topic, bool allowed) =>
        Assert.Equal(allowed, TopicScopes.MaySubscribe(new ComponentMetadata([new(name, value)]), appId, topic));
}
