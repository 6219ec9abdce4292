using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Launcher.Tests;

/// <summary><c>daprw invoke</c> and <c>daprw publish</c> against an app that this process is.</summary>
public sealed class CallVerbTests : IAsyncLifetime
{
    private readonly RunWithApp _platform = new();
    private readonly ConcurrentQueue<string> _received = [];

    public async ValueTask InitializeAsync() => await _platform.StartAsync("shop", app =>
    {
        app.MapGet("/dapr/subscribe", () => Results.Text("""[{"pubsubname":"pubsub","topic":"news","route":"/news"}]""", "application/json"));
        app.MapPost("/news", async (HttpRequest request) =>
        {
            using var envelope = await JsonDocument.ParseAsync(request.Body);
            _received.Enqueue(envelope.RootElement.GetProperty("data").GetRawText());
        });
        app.MapPost("/sum", (int[] numbers) => Results.Json(new { sum = numbers.Sum() }));
        app.MapGet("/hello", (string name, HttpRequest request) => $"hello {name} {request.Headers["x-tone"]}");
        app.MapGet("/broken", () => Results.Text("out of order", statusCode: 503));
    }, "ready: 0 apps");

    public ValueTask DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task Invoke_prints_the_answer_and_fails_with_the_apps_own_words()
    {
        Assert.Equal("""{"sum":6}""", await Verb.OutputAsync(_platform.Run, "invoke", "--app-id", "shop", "--method", "sum", "--data", "[1,2,3]"));
        Assert.Equal(
            "hello Ada kind", await Verb.OutputAsync(_platform.Run, "invoke", "-a", "shop", "-m", "hello?name=Ada", "-v", "get", "--header", "x-tone: kind"));
        Assert.Equal((1, "daprw: shop/broken: 503 Service Unavailable: out of order"), await Verb.RunAsync(_platform.Run, "invoke", "-a", "shop", "-m", "broken", "-v", "GET"));
        Assert.Equal(
            (1, "daprw: no app 'shpo' in the run; did you mean 'shop'?; there are shop"), await Verb.RunAsync(_platform.Run, "invoke", "-a", "shpo", "-m", "sum"));
    }

    [Fact]
    public async Task Publish_reaches_the_subscriber_from_the_command_line_and_from_a_file()
    {
        var file = Path.Combine(_platform.Run.Folder, "message.json");
        await File.WriteAllTextAsync(file, """{"n":2}""", TestContext.Current.CancellationToken);

        Assert.Equal(
            "published to pubsub/news",
            await Verb.OutputAsync(_platform.Run, "publish", "--publish-app-id", "shop", "--pubsub", "pubsub", "--topic", "news", "--data", "plain words"));
        await Verb.OutputAsync(_platform.Run, "publish", "-i", "shop", "-p", "pubsub", "-t", "news", "--data-file", file, "--metadata", """{"ttlInSeconds": "600"}""");

        await _platform.Run.UntilAsync(() => _received.Count >= 2, "both messages arrive");
        Assert.Equal(["\"plain words\"", """{"n":2}"""], _received.Distinct().Order());
        var (code, output) = await Verb.RunAsync(_platform.Run, "publish", "-i", "shop", "-p", "pubsubb", "-t", "news", "-d", "x");
        Assert.Equal(1, code);
        Assert.Contains("ERR_PUBSUB_NOT_FOUND", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_that_somebody_else_starts_is_in_the_list()
    {
        Assert.Matches(@"(?m)^shop#0 +- +\d+ +\d+ +\d+ +- +\(started by somebody else\)$", await Verb.OutputAsync(_platform.Run, "list"));
        var app = Assert.Single(JsonDocument.Parse(await Verb.OutputAsync(_platform.Run, "list", "-o", "json")).RootElement.EnumerateArray());
        Assert.Equal(("shop", 0), (app.GetProperty("appId").GetString(), app.GetProperty("appPid").GetInt32()));
    }

    [Fact]
    public async Task No_verb_shows_a_token()
    {
        var token = Launcher.Access.SidecarAccess.ReadRun(_platform.Run.Data).Instances[0].ApiToken!;
        string[][] verbs = [["list", "-o", "json"], ["list"], ["logs"], ["invoke", "-a", "shop", "-m", "none"]];

        foreach (var verb in verbs)
        {
            Assert.DoesNotContain(token, (await Verb.RunAsync(_platform.Run, verb)).Output, StringComparison.Ordinal);
        }
    }
}
