using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem;

namespace Sidecar.Api.Tests;

/// <summary>Configuration subscriptions over HTTP (dapr-http §8).</summary>
public sealed class ConfigurationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Channel<Change> _changes = Channel.CreateUnbounded<Change>();

    [Theory]
    [InlineData("v1.0")]
    [InlineData("v1.0-alpha1")]
    public async Task Posts_changes_of_the_keys_asked_until_unsubscribed(string version)
    {
        await using var run = await StartAsync(_ => 200);
        using var http = run.Client();
        var id = await SubscribeAsync(http, "?key=a&key=b", version);

        await SetAsync(run, "other", "0", "v0");
        await SetAsync(run, "a", "1", "v1");

        Assert.Equal(new Change("/configuration/conf/a", Body(id, "a", "1", "v1")), await NextAsync());

        Assert.Equal("""{"ok":true}""", await http.GetStringAsync($"/{version}/configuration/conf/{id}/unsubscribe"));
        var second = await SubscribeAsync(http, "?key=a", version);
        await SetAsync(run, "a", "2", "v2");
        Assert.Equal(second, (await NextAsync()).Id);
        Assert.False(_changes.Reader.TryRead(out _));
    }

    [Fact]
    public async Task No_key_means_every_key_and_a_removed_item_is_empty()
    {
        await using var run = await StartAsync(_ => 204);
        using var http = run.Client();
        var id = await SubscribeAsync(http);

        await SetAsync(run, "a/b c?d", "1", "v1");
        Assert.Equal("/configuration/conf/a/b%20c%3Fd", (await NextAsync()).Path);

        await Store(run).DeleteAsync("a/b c?d", default);
        Assert.Equal(Body(id, "a/b c?d", "", ""), (await NextAsync()).Body);
    }

    [Fact]
    public async Task Repeats_until_the_app_takes_it_with_the_newest_value()
    {
        TestRun? started = null;
        var answers = new Queue<int>([500, 404, 302, 200, 200]);
        await using var run = await StartAsync(async change =>
        {
            if (change.Body.Contains("\"1\"", StringComparison.Ordinal))
            {
                await SetAsync(started!, "a", "2", "v2");
                await SetAsync(started!, "a", "3", "v3");
            }

            return answers.Dequeue();
        });
        started = run;
        using var http = run.Client();
        await SubscribeAsync(http);

        await SetAsync(run, "a", "1", "v1");
        Assert.Equal(["1", "3", "3", "3"], [await ValueAsync(), await ValueAsync(), await ValueAsync(), await ValueAsync()]);

        await SetAsync(run, "a", "4", "v4");
        Assert.Equal("4", await ValueAsync());
        Assert.Single(run.Log, line => line.Contains("conf/a was not taken: the app answered 500", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_value_written_while_the_app_handles_an_older_one_follows_it()
    {
        var entered = new TaskCompletionSource();
        var proceed = new TaskCompletionSource();
        await using var run = await StartAsync(async _ =>
        {
            entered.TrySetResult();
            await proceed.Task;
            return 200;
        });
        using var http = run.Client();
        await SubscribeAsync(http);

        await SetAsync(run, "a", "1", "v1");
        await entered.Task.WaitAsync(Patience);
        await SetAsync(run, "a", "2", "v2");
        await SetAsync(run, "a", "3", "v3");
        proceed.SetResult();

        Assert.Equal(["1", "3"], [await ValueAsync(), await ValueAsync()]);
    }

    [Fact]
    public async Task An_attempt_has_the_time_of_the_resiliency_policy_and_is_repeated_beyond_its_retries()
    {
        const int Unanswered = 3;
        var attempts = 0;
        var end = new TaskCompletionSource();
        await using var run = new TestRun().Component("conf", "configuration.tandem", "fsync=false").Yaml("resiliency.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                timeouts: {short: 100ms}
                retries: {once: {policy: constant, duration: 1ms, maxRetries: 1}}
              targets:
                components:
                  conf: {inbound: {timeout: short, retry: once}}
            """);
        await run.AppAsync("app", Map(async _ =>
        {
            if (Interlocked.Increment(ref attempts) <= Unanswered)
            {
                await end.Task;
            }

            return 200;
        }));
        await run.StartAsync();
        using var http = run.Client();
        await SubscribeAsync(http);

        await SetAsync(run, "a", "1", "v1");

        Assert.Equal("1", await ValueAsync());
        Assert.InRange(attempts, Unanswered + 1, int.MaxValue);
        end.SetResult();
    }

    [Fact]
    public async Task A_key_that_the_app_refuses_holds_up_no_other()
    {
        await using var run = await StartAsync(change => change.Path.EndsWith("/refused", StringComparison.Ordinal) ? 404 : 200);
        using var http = run.Client();
        await SubscribeAsync(http);

        await SetAsync(run, "refused", "1", null);
        await SetAsync(run, "taken", "2", null);

        while ((await NextAsync()).Path != "/configuration/conf/taken")
        {
        }
    }

    [Fact]
    public async Task The_handler_of_a_change_may_unsubscribe()
    {
        TestRun? started = null;
        await using var run = await StartAsync(async change =>
        {
            using var client = started!.Client();
            return (int)(await client.GetAsync($"/v1.0/configuration/conf/{change.Id}/unsubscribe")).StatusCode;
        });
        started = run;
        using var http = run.Client();
        var id = await SubscribeAsync(http);

        await SetAsync(run, "a", "1", null);

        Assert.Equal(id, (await NextAsync()).Id);
        await AssertErrorAsync(http, $"conf/{id}/unsubscribe", 500, "ERR_CONFIGURATION_UNSUBSCRIBE", $"subscription with id {id} does not exist");
    }

    [Fact]
    public async Task Every_app_instance_has_its_own()
    {
        await using var run = new TestRun().Component("conf", "configuration.tandem", "fsync=false");
        await run.AppAsync("app", Map(_ => Task.FromResult(200)));
        await run.AppAsync("app", Map(_ => Task.FromResult(200)), index: 1);
        await run.StartAsync();
        using var first = run.Client();
        using var second = run.Client(1);
        string[] ids = [await SubscribeAsync(first), await SubscribeAsync(second)];

        await AssertErrorAsync(second, $"conf/{ids[0]}/unsubscribe", 500, "ERR_CONFIGURATION_UNSUBSCRIBE", $"subscription with id {ids[0]} does not exist");
        await SetAsync(run, "a", "1", null);

        Assert.Equal(ids.Order(), new[] { (await NextAsync()).Id, (await NextAsync()).Id }.Order());
    }

    [Fact]
    public async Task Ends_when_the_app_is_gone()
    {
        await using var run = await StartAsync(_ => 200);
        using var http = run.Client();
        var first = await SubscribeAsync(http);
        var channel = run.Sidecar.Apps[0].Channel;

        await run.App(0).DisposeAsync();
        await TestRun.Eventually(() => !channel.IsUp && run.Log.Any(line => line.EndsWith("is gone", StringComparison.Ordinal)));
        await using var again = await TestRun.StartAppAsync(Map(_ => Task.FromResult(200)), run.Sidecar.Instances[0].AppPort!.Value);
        await TestRun.Eventually(() => channel.IsUp);

        await AssertErrorAsync(http, $"conf/{first}/unsubscribe", 500, "ERR_CONFIGURATION_UNSUBSCRIBE", $"subscription with id {first} does not exist");
        var second = await SubscribeAsync(http);
        await SetAsync(run, "a", "1", null);
        Assert.Equal(second, (await NextAsync()).Id);
        Assert.False(_changes.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_stop_of_the_sidecar_waits_for_a_handler_and_repeats_nothing()
    {
        var entered = new TaskCompletionSource();
        var proceed = new TaskCompletionSource();
        var run = new TestRun { ShutdownTimeout = Patience }.Component("conf", "configuration.tandem", "fsync=false");
        await run.AppAsync("app", Map(async _ =>
        {
            entered.TrySetResult();
            await proceed.Task;
            return 500;
        }));
        await run.StartAsync();
        using (var http = run.Client())
        {
            await SubscribeAsync(http);
            await SetAsync(run, "a", "1", null);
            await entered.Task.WaitAsync(Patience);

            var stopping = run.Sidecar.DisposeAsync().AsTask();
            Assert.False(stopping.IsCompleted);
            await AssertErrorAsync(
                http, "conf/subscribe", 500, "ERR_CONFIGURATION_SUBSCRIBE", "failed to subscribe [] from Configuration store conf: the sidecar stops");
            proceed.SetResult();
            await stopping.WaitAsync(Patience);
        }

        await run.DisposeAsync();
        Assert.Equal("1", await ValueAsync());
        Assert.False(_changes.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Errors_have_the_codes_of_the_protocol()
    {
        await using var run = new TestRun { Types = registry => registry.Add("configuration.broken", _ => new BrokenStore()) };
        run.Component("conf", "configuration.tandem", "fsync=false").Component("broken", "configuration.broken");
        await run.AppAsync("app", Map(_ => Task.FromResult(200)));
        await run.AppAsync("no-server");
        await run.StartAsync();
        using var http = run.Client();
        using var withoutServer = run.Client(1);

        foreach (var path in (string[])["nope", "nope/subscribe"])
        {
            await AssertErrorAsync(http, path, 400, "ERR_CONFIGURATION_STORE_NOT_FOUND", "error configuration stores nope not found");
        }

        await AssertErrorAsync(http, "broken?key=a&key=b", 500, "ERR_CONFIGURATION_GET", "failed to get [a b] from Configuration store broken: out of order");
        await AssertErrorAsync(
            http, "broken/subscribe?key=a", 500, "ERR_CONFIGURATION_SUBSCRIBE", "failed to subscribe [a] from Configuration store broken: out of order");
        await AssertErrorAsync(http, "conf/1/unsubscribe", 500, "ERR_CONFIGURATION_UNSUBSCRIBE", "subscription with id 1 does not exist");
        await AssertErrorAsync(
            withoutServer, "conf/subscribe", 500, "ERR_APP_CHANNEL_NIL", "app channel is not initialized. cannot subscribe to configuration updates");
    }

    [Fact]
    public async Task Without_a_store_the_error_says_so()
    {
        await using var run = new TestRun();
        await run.AppAsync("app", _ => { });
        await run.StartAsync();
        using var http = run.Client();

        foreach (var path in (string[])["conf", "conf/subscribe"])
        {
            await AssertErrorAsync(http, path, 500, "ERR_CONFIGURATION_STORE_NOT_CONFIGURED", "configuration stores not configured");
        }
    }

    private Task<TestRun> StartAsync(Func<Change, int> answer) => StartAsync(change => Task.FromResult(answer(change)));

    private async Task<TestRun> StartAsync(Func<Change, Task<int>> answer)
    {
        var run = new TestRun().Component("conf", "configuration.tandem", "fsync=false");
        await run.AppAsync("app", Map(answer));
        return await run.StartAsync();
    }

    private Action<WebApplication> Map(Func<Change, Task<int>> answer) => app => app.MapPost("/configuration/{**rest}", async (HttpContext http) =>
    {
        Assert.Equal("application/json", http.Request.ContentType);
        Assert.Equal("app-token", http.Request.Headers["dapr-api-token"]);
        using var body = new StreamReader(http.Request.Body);
        var change = new Change(http.Request.Path.ToUriComponent(), await body.ReadToEndAsync());
        http.Response.StatusCode = await answer(change);
        _changes.Writer.TryWrite(change);
    });

    private async Task<Change> NextAsync() => await _changes.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    private async Task<string> ValueAsync()
    {
        using var body = JsonDocument.Parse((await NextAsync()).Body);
        return body.RootElement.GetProperty("items").GetProperty("a").GetProperty("value").GetString()!;
    }

    private static string Body(string id, string key, string value, string version) =>
        JsonSerializer.Serialize(new { id, items = new Dictionary<string, object> { [key] = new { value, version, metadata = new { } } } });

    private static async Task<string> SubscribeAsync(HttpClient http, string query = "", string version = "v1.0")
    {
        var answer = await http.GetFromJsonAsync<Dictionary<string, string>>($"/{version}/configuration/conf/subscribe{query}");
        return Assert.Single(answer!, member => member.Key == "id").Value;
    }

    private static async Task AssertErrorAsync(HttpClient http, string path, int status, string code, string message)
    {
        using var response = await http.GetAsync($"/v1.0/configuration/{path}");
        var error = await response.Content.ReadFromJsonAsync<Dictionary<string, string>>();
        Assert.Equal(((HttpStatusCode)status, code, message), (response.StatusCode, error!["errorCode"], error["message"]));
    }

    private static TandemConfigurationStore Store(TestRun run) => run.Sidecar.Apps[0].Components.Find<TandemConfigurationStore>("conf")!;

    private static Task SetAsync(TestRun run, string key, string value, string? version) => Store(run).SetAsync(key, value, version, default).AsTask();

    private sealed record Change(string Path, string Body)
    {
        public string Id => JsonDocument.Parse(Body).RootElement.GetProperty("id").GetString()!;
    }

    private sealed class BrokenStore : IConfigurationStore
    {
        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
            IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken) => throw new IOException("out of order");

        public Task<IAsyncDisposable> SubscribeAsync(
            IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken) =>
            throw new IOException("out of order");
    }
}
