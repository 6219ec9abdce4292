using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
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
    private readonly ConcurrentQueue<string> _paths = [];

    private void Subscribe(WebApplication app, string subscription, Func<HttpContext, int, Task> handle)
    {
        var count = 0;
        app.MapGet("/dapr/subscribe", () => Results.Text(subscription, "application/json"));
        app.MapPost("/{**path}", async (HttpContext http) =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, new JsonDocumentOptions { MaxDepth = 1000 });
            _paths.Enqueue(http.Request.Path!);
            _received.Enqueue(body.RootElement.Clone());
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

    [Theory]
    [InlineData("text/plain", "the app answered 500")]
    [InlineData("application/problem+json", "the app answered 500: no room left")]
    public async Task A_dead_letter_says_why(string contentType, string reason)
    {
        await using var run = await StartAsync(Orders, (http, _) =>
        {
            http.Response.StatusCode = http.Request.Path == "/dead" ? 200 : 500;
            http.Response.ContentType = contentType;
            return http.Response.WriteAsync("{\"title\":\"broken\",\"detail\":\"no room left\"}");
        });
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders?metadata.cloudevent.id=poison", new { n = 7 });
        await TestRun.Eventually(() => _received.Count == 4);

        var letter = _received.Last();
        Assert.Equal(
            ("poison", "publisher", "orders", reason),
            (letter.GetProperty("id").GetString(), letter.GetProperty("source").GetString(), letter.GetProperty("topic").GetString(), letter.GetProperty("deadletterreason").GetString()));
    }

    [Fact]
    public async Task A_drop_answer_is_not_tried_again()
    {
        await using var run = await StartAsync(Orders, (http, _) => http.Request.Path == "/dead" ? Status(http, 200) : http.Response.WriteAsJsonAsync(new { status = "DROP" }));
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });
        await TestRun.Eventually(() => _paths.Count == 2);

        Assert.Equal(["/orders", "/dead"], _paths);
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
    public async Task An_app_that_dies_while_it_answers_has_not_failed_the_message()
    {
        await using var run = await StartAsync(
            Orders,
            async (http, count) =>
            {
                if (count == 1)
                {
                    http.Response.ContentLength = 100;
                    await http.Response.WriteAsync("{");
                    await http.Response.Body.FlushAsync();
                    http.Abort();
                }
            },
            retry: "");
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });
        await TestRun.Eventually(() => _paths.Count == 2);

        Assert.Equal(["/orders", "/orders"], _paths);
    }

    [Theory]
    [InlineData(3, 6)]
    [InlineData(100, 20)]
    public async Task Bulk_subscribers_get_full_batches_without_waiting_and_answer_by_entry(int most, int messages)
    {
        await using var run = await StartAsync(
            $$"""[{"pubsubname":"bus","topic":"many","route":"/many","bulkSubscribe":{"enabled":true,"maxMessagesCount":{{most}},"maxAwaitDurationMs":600000} }]""",
            (http, _) =>
            {
                var entries = _received.Last().GetProperty("entries").EnumerateArray().Select(entry => new { entryId = entry.GetProperty("entryId").GetString(), status = "SUCCESS" });
                return http.Response.WriteAsJsonAsync(new { statuses = entries });
            });
        using var http = run.Client();

        var bulk = Enumerable.Range(1, messages).Select(n => new { entryId = n.ToString(), @event = new { n }, contentType = "application/json" });
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync("/v1.0/publish/bulk/bus/many", bulk)).StatusCode);
        await TestRun.Eventually(() => _received.Sum(batch => batch.GetProperty("entries").GetArrayLength()) >= messages);

        // The broker hands over ten at a time, so more than ten never wait.
        Assert.All(_received, batch => Assert.Equal(Math.Min(most, 10), batch.GetProperty("entries").GetArrayLength()));
    }

    [Fact]
    public async Task Data_arrives_as_it_was_sent_however_deep()
    {
        var deep = new string('[', 200) + new string(']', 200);
        var data = $$"""{"text":"병 <b>&'","deep":{{deep}}}""";
        await using var run = await StartAsync(Orders, (http, _) => Status(http, 200));
        using var http = run.Client();

        await http.PostAsync("/v1.0/publish/bus/orders", Json(data));
        await http.PostAsync("/v1.0/publish/bulk/bus/orders", Json($$"""[{"entryId":"1","event":{{data}},"contentType":"application/json"}]"""));
        await http.PostAsync("/v1.0/publish/bus/orders", new StringContent($$"""{"id":"1","data":{{data}}}""", Encoding.UTF8, "application/cloudevents+json"));
        await TestRun.Eventually(() => _received.Count == 3);

        Assert.All(_received, envelope => Assert.Equal(data, envelope.GetProperty("data").GetRawText()));
        Assert.All(_paths, path => Assert.Equal("/orders", path));
    }

    [Theory]
    [InlineData("/v1.0/publish/bulk/bus/t", """[{"entryId":"1"}]""", "ERR_PUBSUB_EVENTS_SER")]
    [InlineData("/v1.0/publish/bulk/bus/t", """[{"entryId":"1","event":"?","contentType":"application/octet-stream"}]""", "ERR_PUBSUB_EVENTS_SER")]
    public async Task What_the_publisher_got_wrong_is_no_error_of_the_sidecar(string path, string body, string code)
    {
        await using var run = await StartAsync(Orders, (http, _) => Status(http, 200));
        using var http = run.Client();

        var response = await http.PostAsync(path, Json(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(code, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
