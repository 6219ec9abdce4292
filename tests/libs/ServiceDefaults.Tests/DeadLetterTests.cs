using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Contracts;
using Dapr.Client;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>Dead letters as the sidecar delivers them, kept in a real store.</summary>
public sealed class DeadLetterTests : IAsyncLifetime
{
    private readonly CollectedLogs _logs = new();
    private LocalSidecar _sidecar = null!;
    private TestService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await LocalSidecar.StartAsync(stateStore: Components.StateStore);
        _service = await TestService.StartAsync(
            app =>
            {
                app.Services.GetRequiredService<ILoggerFactory>().AddProvider(_logs);
                app.MapPost("/on/fact", object (HttpContext http) => throw new InvalidOperationException("no room left")).WithDeadLetteredTopic("bus", "fact", "me");
                app.MapDeadLetters("bus", "fact", "me");
            },
            builder => builder.Services.AddSingleton(_sidecar.Client),
            settings: ("DeadLetters:Kept", "2"));
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Fact]
    public async Task The_subscription_and_its_dead_letters_are_this_apps_own() => Assert.Equal(
        """[{"topic":"fact","pubsubName":"bus","route":"on/fact","metadata":{"queueType":"quorum"},"deadLetterTopic":"fact-me-dead"},"""
        + """{"topic":"fact-me-dead","pubsubName":"bus","route":"on/fact-me-dead","metadata":{"queueType":"quorum"}}]""",
        await (await _service.SendAsync(HttpMethod.Get, "/dapr/subscribe", token: TestService.AppToken)).Content.ReadAsStringAsync(Cancellation));

    [Fact]
    public async Task Is_stored_with_payload_reason_and_count_and_logged_as_an_error()
    {
        Assert.Equal(500, await DeliverAsync("/on/fact", "e1"));
        Assert.Equal(200, await DeliverAsync("/on/fact-me-dead", "e1"));

        var letter = await LetterAsync("e1");
        Assert.Equal(("e1", "fact"), (letter!.Id, letter.Topic));
        Assert.Equal("""{"n":"e1"}""", letter.Payload.GetRawText());
        Assert.Equal("InvalidOperationException: no room left", letter.Reason);
        var index = await IndexAsync();
        Assert.Equal((1, "e1"), (index.Count, Assert.Single(index.Ids)));
        Assert.Contains("e1 of fact is a dead letter", Assert.Single(DeadLettersSaid()));
    }

    [Fact]
    public async Task Its_reason_comes_with_it_when_another_replica_failed()
    {
        var envelope = """{"specversion":"1.0","id":"e1","type":"t","source":"shop","deadletterreason":"the app answered 500: \"no\" room\nleft — ü","datacontenttype":"application/json","data":1}""";

        Assert.Equal(200, await DeliverAsync("/on/fact-me-dead", "e1", envelope));

        var letter = await LetterAsync("e1");
        Assert.Equal(("the app answered 500: \"no\" room\nleft — ü", "bus", "shop", "application/json"), (letter!.Reason, letter.Component, letter.Source, letter.ContentType));
        var topics = await _sidecar.Client.GetStateAsync<DeadLetterTopics>(Components.StateStore, DeadLetterStore.TopicsKey, cancellationToken: Cancellation);
        Assert.Equal(["fact"], topics.Topics);
    }

    [Fact]
    public async Task The_sidecar_is_told_why_a_handler_failed()
    {
        using var content = new StringContent("""{"specversion":"1.0","id":"e9","type":"t","source":"s","data":1}""", new MediaTypeHeaderValue("application/cloudevents+json"));
        using var response = await _service.SendAsync(HttpMethod.Post, "/on/fact", content, TestService.AppToken);

        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("InvalidOperationException: no room left", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comes_twice_and_counts_once()
    {
        await DeliverAsync("/on/fact-me-dead", "e1");
        var first = await LetterAsync("e1");
        Assert.Equal(200, await DeliverAsync("/on/fact-me-dead", "e1"));

        Assert.Equal(first!.Ts, (await LetterAsync("e1"))!.Ts);
        Assert.Equal(1, (await IndexAsync()).Count);
        Assert.Single(DeadLettersSaid());
    }

    [Fact]
    public async Task The_oldest_go_when_there_are_too_many()
    {
        foreach (var id in (string[])["e1", "e2", "e3"])
        {
            await DeliverAsync("/on/fact-me-dead", id);
        }

        var index = await IndexAsync();
        Assert.Equal(3, index.Count);
        Assert.Equal(["e3", "e2"], index.Ids);
        Assert.Null(await LetterAsync("e1"));
        Assert.NotNull(await LetterAsync("e2"));
    }

    [Fact]
    public async Task Answers_to_the_own_sidecar_alone()
    {
        Assert.Equal(403, await DeliverAsync("/on/fact-me-dead", "e1", token: null));
        Assert.Null(await LetterAsync("e1"));
    }

    [Fact]
    public async Task What_is_no_json_is_kept_as_text()
    {
        Assert.Equal(200, await DeliverAsync("/on/fact-me-dead", "e1", """{"id":"e1","datacontenttype":"text/plain","data":"half a {"}"""));

        Assert.Equal("half a {", (await LetterAsync("e1"))!.Payload.GetString());
    }

    [Fact]
    public async Task Is_kept_for_its_retention_and_no_longer()
    {
        await using var store = await RecordingSidecar.StartAsync();
        using var client = store.Client();
        var letters = new DeadLetterStore(
            client, Options.Create(new DeadLetterOptions { Retention = TimeSpan.FromHours(1) }), new DeliveryFailures(), new ManualTimeProvider(),
            _service.App.Services.GetRequiredService<ILogger<DeadLetterStore>>());

        await letters.StoreAsync(new DeadLetter("e1", "fact", JsonElement.Parse("1"), null, default), Cancellation);

        // The list of topics stays.
        var writes = store.Requests.Where(request => request.Method == "POST" && !request.Body.Contains("\"key\":\"dead\"", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, writes.Length);
        Assert.All(writes, write => Assert.Contains("\"ttlInSeconds\":\"3600\"", write.Body));
    }

    private IEnumerable<string> DeadLettersSaid() => _logs.Lines.Where(line => line is { Event: 910, Level: LogLevel.Error }).Select(line => line.Text);

    private Task<DeadLetter?> LetterAsync(string id) =>
        _sidecar.Client.GetStateAsync<DeadLetter?>(Components.StateStore, DeadLetterStore.Key("fact", id), cancellationToken: Cancellation);

    private Task<DeadLetterIndex> IndexAsync() =>
        _sidecar.Client.GetStateAsync<DeadLetterIndex>(Components.StateStore, DeadLetterStore.IndexKey("fact"), cancellationToken: Cancellation);

    private async Task<int> DeliverAsync(string path, string id, string? envelope = null, string? token = TestService.AppToken)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(
            envelope ?? $$"""{"specversion":"1.0","id":"{{id}}","type":"t","source":"s","data":{"n":"{{id}}"} }"""));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents+json");
        using var response = await _service.SendAsync(HttpMethod.Post, path, content, token);
        return (int)response.StatusCode;
    }
}
