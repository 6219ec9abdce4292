using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Launcher.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Launcher.Tests;

/// <summary><c>daprw dead …</c> with the run there and with nothing running. This process is the app that has the dead letters, and keeps them.</summary>
public sealed class DeadVerbTests : IAsyncLifetime
{
    private readonly LaunchedRun _run = new();
    private readonly ConcurrentQueue<JsonElement> _received = [];
    private WebApplication _app = null!;
    private volatile bool _isMended;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapGet("/dapr/subscribe", () => Results.Text("""[{"pubsubname":"pubsub","topic":"orders","route":"/orders"}]""", "application/json"));
        _app.MapPost("/orders", async (HttpRequest request) =>
        {
            using var envelope = await JsonDocument.ParseAsync(request.Body);
            _received.Enqueue(envelope.RootElement.Clone());
            return _isMended ? Results.Ok() : Results.StatusCode(500);
        });
        await _app.StartAsync();
        _run.Template($"appID: shop, appPort: {new Uri(_app.Urls.Single()).Port}", "appID: idle");
        _run.Start();
        await _run.SeesAsync("ready: 0 apps");
        await KeepAsync("e1", """{"n":1}""", "the app answered 500: no room left");
        await KeepAsync("e2", """{"n":2}""", "the app answered 503");
    }

    public async ValueTask DisposeAsync()
    {
        await _run.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Lists_and_shows_what_the_apps_have()
    {
        Assert.Matches(@"(?m)^shop +orders +e1 +2026-01-01 00:00:00 +the app answered 500: no room left +2$", await OutputAsync("list"));
        var list = JsonDocument.Parse(await OutputAsync("list", "-o", "json")).RootElement;
        Assert.Equal(
            ("shop", "orders", "e2", "the app answered 503", 2),
            (Text(list[0], "app"), Text(list[0], "topic"), Text(list[0], "id"), Text(list[0], "reason"), list[0].GetProperty("count").GetInt32()));
        Assert.Equal("""{"n":1}""", JsonDocument.Parse(await OutputAsync("show", "e1")).RootElement[0].GetProperty("payload").GetRawText().Replace(" ", "").ReplaceLineEndings(""));
        Assert.Equal("no dead letters", await OutputAsync("list", "--app", "idle"));
        Assert.Equal("no dead letters", await OutputAsync("list", "--topic", "other"));
        Assert.Equal("[]", await OutputAsync("list", "--topic", "other", "-o", "json"));
    }

    [Fact]
    public async Task Replay_publishes_the_event_under_its_id_and_takes_it_off_the_list()
    {
        _isMended = true;

        Assert.EndsWith("replayed 1", await OutputAsync("replay", "e1"), StringComparison.Ordinal);

        await _run.UntilAsync(() => !_received.IsEmpty, "the event arrives");
        var envelope = Assert.Single(_received);
        Assert.Equal(("e1", "shop", "orders", """{"n":1}"""), (Text(envelope, "id"), Text(envelope, "source"), Text(envelope, "topic"), envelope.GetProperty("data").GetRawText()));
        Assert.DoesNotContain("e1", await OutputAsync("list"), StringComparison.Ordinal);
        Assert.Equal((1, "daprw: there is no dead letter 'e1'"), await RunAsync("replay", "e1"));
        Assert.EndsWith("replayed 1", await OutputAsync("replay", "--all"), StringComparison.Ordinal);
        Assert.Equal("replayed 0", await OutputAsync("replay", "--all"));
    }

    [Fact]
    public async Task What_the_broker_does_not_accept_stays()
    {
        await KeepAsync("e3", "3", "r", component: "nowhere");

        var (code, output) = await RunAsync("replay", "e3");

        Assert.Equal(1, code);
        Assert.Contains("e3 could not be published on nowhere/orders by shop, and stays: 404", output, StringComparison.Ordinal);
        Assert.Contains("e3", await OutputAsync("list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drop_asks_and_deletes_for_good()
    {
        Assert.Equal((2, "daprw: give ids, or --all"), await RunAsync("drop"));
        Assert.Equal((2, "daprw: give ids, or --all"), await RunAsync("drop", "e1", "--all"));

        Assert.Equal("dropped 1", await OutputAsync("drop", "e1", "--yes"));
        Assert.Equal("e2", Text(JsonDocument.Parse(await OutputAsync("list", "-o", "json")).RootElement[0], "id"));
        Assert.Equal("dropped 1", await OutputAsync("drop", "--all", "-y"));
        Assert.Equal("dropped 0", await OutputAsync("drop", "--all", "-y"));
        Assert.Empty(_received);
    }

    [Fact]
    public async Task With_everything_off_they_are_there_as_well()
    {
        _run.Signal(15);
        await _run.ExitsAsync();

        Assert.Contains("--app-id is needed; there are shop, idle", (await RunAsync("list")).Output, StringComparison.Ordinal);
        Assert.Contains("e1", await OutputAsync("list", "-a", "shop"), StringComparison.Ordinal);
        Assert.Equal("dropped 1", await OutputAsync("drop", "e2", "-y", "-a", "shop"));
        Assert.Contains("e1 is published again on orders; it is delivered when its apps run again", await OutputAsync("replay", "e1", "-a", "shop"), StringComparison.Ordinal);
        Assert.Equal("no dead letters", await OutputAsync("list", "-a", "shop"));

        _isMended = true;
        await using var again = new LaunchedRun();
        again.StartVerb("run", "-f", _run.Folder, "--no-build");
        await _run.UntilAsync(() => !_received.IsEmpty, "the event arrives");
        Assert.Equal("e1", Text(Assert.Single(_received), "id"));
    }

    /// <summary>Stores a dead letter as the apps do.</summary>
    private async Task KeepAsync(string id, string payload, string reason, string component = "pubsub")
    {
        await using var sidecar = await SidecarAccess.OfRunAsync(_run.Data, "shop", TimeProvider.System, Token);
        var index = await sidecar.Http.GetAsync("/v1.0/state/statestore/dead%3Aorders", Token);
        var old = index.StatusCode == System.Net.HttpStatusCode.NoContent ? default : await index.Content.ReadFromJsonAsync<JsonElement>(Token);
        string[] ids = old.ValueKind == JsonValueKind.Undefined ? [] : [.. old.GetProperty("ids").EnumerateArray().Select(entry => entry.GetString()!)];
        var letter = new
        {
            id, topic = "orders", payload = JsonElement.Parse(payload), reason, ts = "2026-01-01T00:00:00Z", component, source = "shop", content_type = "application/json",
        };
        using var saved = await sidecar.Http.PostAsJsonAsync("/v1.0/state/statestore", new object[]
        {
            new { key = "dead", value = new { topics = (string[])["orders"] } },
            new { key = $"dead:orders:{id}", value = letter, metadata = new { ttlInSeconds = "3600" } },
            new { key = "dead:orders", value = new { count = ids.Length + 1, ids = (string[])[id, .. ids] }, metadata = new { ttlInSeconds = "3600" } },
        }, Token);
        saved.EnsureSuccessStatusCode();
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private Task<string> OutputAsync(params string[] arguments) => Verb.OutputAsync(_run, ["dead", .. arguments]);

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => Verb.RunAsync(_run, ["dead", .. arguments]);
}
