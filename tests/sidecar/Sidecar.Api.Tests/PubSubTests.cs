using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Api.Tests;

public sealed class PubSubTests
{
    private const string Retry = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies:
            retries:
              quick: {policy: constant, duration: 10ms, maxRetries: 2}
          targets:
            components:
              bus: {inbound: {retry: quick}}
        """;

    private readonly ConcurrentQueue<JsonElement> _received = [];

    private void Subscribe(WebApplication app, string subscription, Func<HttpContext, int, Task> handle)
    {
        var count = 0;
        app.MapGet("/dapr/subscribe", () => Results.Text(subscription, "application/json"));
        app.MapPost("/{**path}", async (HttpContext http) =>
        {
            _received.Enqueue(await http.Request.ReadFromJsonAsync<JsonElement>());
            await handle(http, Interlocked.Increment(ref count));
        });
    }

    private static Task Status(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private async Task<TestRun> StartAsync(string subscription, Func<HttpContext, int, Task> handle, string retry = Retry, params Action<WebApplication>[] more)
    {
        var run = new TestRun().Component("bus", "pubsub.in-memory").Yaml("resiliency.yaml", retry);
        await run.AppAsync("publisher");
        await run.AppAsync("subscriber", app => Subscribe(app, subscription, handle));
        foreach (var (index, map) in more.Index())
        {
            await run.AppAsync("subscriber", map, index: index + 1);
        }

        await run.StartAsync();
        await TestRun.Eventually(() => run.Sidecar.Apps.Where(app => app.Instance.AppId == "subscriber").All(app => app.Subscriptions.Count > 0));
        return run;
    }

    private const string Orders = """[{"pubsubname":"bus","topic":"orders","route":"/orders","deadLetterTopic":"dead"},{"pubsubname":"bus","topic":"dead","route":"/dead"}]""";

    [Fact]
    public async Task A_message_arrives_in_its_envelope()
    {
        await using var run = await StartAsync(Orders, (http, _) => Status(http, 200));
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync("/v1.0/publish/bus/orders?metadata.cloudevent.id=id-1", new { n = 1 })).StatusCode);
        await TestRun.Eventually(() => !_received.IsEmpty);

        Assert.True(_received.TryPeek(out var envelope));
        Assert.Equal("id-1", envelope.GetProperty("id").GetString());
        Assert.Equal("publisher", envelope.GetProperty("source").GetString());
        Assert.Equal("orders", envelope.GetProperty("topic").GetString());
        Assert.Equal(1, envelope.GetProperty("data").GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task A_failing_handler_is_tried_again_by_the_inbound_policy()
    {
        await using var run = await StartAsync(Orders, (http, count) => Status(http, count < 3 ? 500 : 200));
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });
        await TestRun.Eventually(() => _received.Count == 3);

        Assert.All(_received, envelope => Assert.Equal("orders", envelope.GetProperty("topic").GetString()));
    }

    [Fact]
    public async Task What_fails_for_good_goes_to_the_dead_letter_topic_with_its_original_body()
    {
        await using var run = await StartAsync(Orders, (http, _) => Status(http, http.Request.Path == "/dead" ? 200 : 500));
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders?metadata.cloudevent.id=poison", new { n = 7 });
        await TestRun.Eventually(() => _received.Count == 4);

        Assert.All(_received, envelope => Assert.Equal("poison", envelope.GetProperty("id").GetString()));
        Assert.Equal(7, _received.Last().GetProperty("data").GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task A_drop_answer_is_not_tried_again()
    {
        await using var run = await StartAsync(Orders, (http, _) => http.Request.Path == "/dead" ? Status(http, 200) : http.Response.WriteAsJsonAsync(new { status = "DROP" }));
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });
        await TestRun.Eventually(() => _received.Count == 2);
    }

    [Fact]
    public async Task Rules_choose_the_route()
    {
        var paths = new ConcurrentQueue<string>();
        await using var run = await StartAsync(
            """[{"pubsubname":"bus","topic":"t","routes":{"rules":[{"match":"event.type == \"big\" && event.data.n > 5","path":"/big"}],"default":"/small"}}]""",
            (http, _) =>
            {
                paths.Enqueue(http.Request.Path!);
                return Status(http, 200);
            });
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/t?metadata.cloudevent.type=big", new { n = 9 });
        await http.PostAsJsonAsync("/v1.0/publish/bus/t?metadata.cloudevent.type=big", new { n = 1 });
        await TestRun.Eventually(() => paths.Count == 2);

        Assert.Equal(["/big", "/small"], paths.Order());
    }

    [Fact]
    public async Task A_message_whose_app_dies_in_the_middle_goes_to_the_other_replica_at_once()
    {
        var entered = new TaskCompletionSource();
        var handled = new TaskCompletionSource<string>();
        const string Slow = """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                retries:
                  slow: {policy: constant, duration: 10m, maxRetries: 5}
              targets:
                components:
                  bus: {inbound: {retry: slow}}
            """;
        Task Handle(HttpContext http, int replica)
        {
            if (entered.TrySetResult())
            {
                http.Abort();
                return Task.CompletedTask;
            }

            handled.TrySetResult(replica.ToString());
            return Status(http, 200);
        }

        await using var run = await StartAsync(
            Orders, (http, _) => Handle(http, 0), Slow, app => Subscribe(app, Orders, (http, _) => Handle(http, 1)));
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });

        await handled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Bulk_subscribers_get_batches_and_answer_by_entry()
    {
        await using var run = await StartAsync(
            """[{"pubsubname":"bus","topic":"many","route":"/many","bulkSubscribe":{"enabled":true,"maxMessagesCount":3,"maxAwaitDurationMs":200}}]""",
            (http, _) =>
            {
                var entries = _received.Last().GetProperty("entries").EnumerateArray().Select(entry => new { entryId = entry.GetProperty("entryId").GetString(), status = "SUCCESS" });
                return http.Response.WriteAsJsonAsync(new { statuses = entries });
            });
        using var http = run.Client();

        var bulk = Enumerable.Range(1, 6).Select(n => new { entryId = n.ToString(), @event = new { n }, contentType = "application/json" });
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync("/v1.0/publish/bulk/bus/many", bulk)).StatusCode);
        await TestRun.Eventually(() => _received.Sum(batch => batch.GetProperty("entries").GetArrayLength()) >= 6);

        Assert.All(_received, batch => Assert.InRange(batch.GetProperty("entries").GetArrayLength(), 1, 3));
    }

    [Theory]
    [InlineData("/v1.0/publish/nobody/t", 404, "ERR_PUBSUB_NOT_FOUND")]
    [InlineData("/v1.0/publish/bus/", 404, "ERR_TOPIC_NAME_EMPTY")]
    public async Task Errors_carry_daprs_codes(string path, int status, string code)
    {
        await using var run = await StartAsync(Orders, (http, _) => Status(http, 200));
        using var http = run.Client();

        var response = await http.PostAsync(path, new StringContent("x"));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(code, await response.Content.ReadAsStringAsync());
    }
}
