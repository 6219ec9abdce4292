using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>Hosts come, go and die; an actor is active in one place at most (protocol: HTTP §6.1).</summary>
public sealed class MovingTests
{
    private const string Counter = """{"entities":["Counter"]}""";
    private const int Actors = 30;

    private readonly ConcurrentDictionary<string, int> _hostOf = new();
    private readonly ConcurrentQueue<string> _events = [];

    [Fact]
    public async Task Actors_of_an_instance_that_dies_go_to_the_other_and_those_of_the_other_stay()
    {
        await using var run = new ActorRun().Store();
        var (first, second) = (await HostAsync(run, 0), await HostAsync(run, 1));
        await run.StartAsync();
        await CallAllAsync(run.Client(1));
        var before = new Dictionary<string, int>(_hostOf);
        Assert.Equal([0, 1], before.Values.Distinct().Order());

        await first.KillAsync();
        await run.DownAsync(first);
        await CallAllAsync(run.Client(1));

        Assert.All(_hostOf.Values, host => Assert.Equal(1, host));
        Assert.DoesNotContain(second.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal));

        await first.StartAsync();
        await run.UpAsync(first);
        await CallAllAsync(run.Client(1));
        Assert.Equal(before, new Dictionary<string, int>(_hostOf));
    }

    [Fact]
    public async Task Several_apps_may_host_a_type_and_each_actor_is_deactivated_before_it_is_active_elsewhere()
    {
        await using var run = new ActorRun(options: new ActorOptions { DeactivationTimeout = ActorRun.Patience }).Store();
        await HostAsync(run, 0, "one");
        var late = await HostAsync(run, 1, "two", started: false);
        await run.StartAsync();
        await CallAllAsync(run.Client());

        await late.StartAsync();
        await run.UpAsync(late);
        await CallAllAsync(run.Client());

        Assert.Equal([0, 1], _hostOf.Values.Distinct().Order());
        Assert.All(_hostOf, actor =>
        {
            string[] events = [.. _events.Where(line => line.EndsWith($" {actor.Key}", StringComparison.Ordinal))];
            Assert.Equal(actor.Value == 0 ? ["call@0", "call@0"] : ["call@0", "delete@0", "call@1"], events.Select(line => line.Split(' ')[0]));
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_running_call_is_drained_before_its_actor_moves_or_cut_off_when_the_app_says_so(bool drains)
    {
        var time = new ManualTimeProvider();
        var entered = new TaskCompletionSource();
        var config = $$"""{"entities":["Counter"],"drainOngoingCallTimeout":"7s","drainRebalancedActors":{{(drains ? "true" : "false")}}}""";
        await using var run = new ActorRun(time).Store();
        await run.AppAsync("host", config, async call =>
        {
            if (call.Method == "stuck")
            {
                entered.TrySetResult();
                await Task.Delay(Timeout.Infinite, call.Http.RequestAborted);
            }

            return Results.Text("old");
        });
        var late = await run.AppAsync("host", config, _ => Task.FromResult(Results.Text("new")), index: 1, started: false);
        await run.StartAsync();
        var client = run.Client();
        var id = await MovingIdAsync(run, late);
        var stuck = client.CallAsync($"Counter/{id}/method/stuck");
        await entered.Task.WaitAsync(ActorRun.Patience);

        await late.StartAsync();
        var next = client.CallAsync($"Counter/{id}/method/x");
        if (drains)
        {
            await ActorRun.Eventually(() => time.Started(TimeSpan.FromSeconds(7)) > 0);
            Assert.False(stuck.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(7));
        }

        using var cut = await stuck.WaitAsync(ActorRun.Patience);
        using var moved = await next.WaitAsync(ActorRun.Patience);
        Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await cut.ErrorAsync());
        Assert.Equal("new", await moved.TextAsync());
    }

    [Fact]
    public async Task An_app_that_dies_in_the_middle_of_a_call_fails_it_and_the_next_call_finds_the_app_that_is_back()
    {
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun(options: new ActorOptions { LookupTimeout = ActorRun.Patience }).Store().Caller("client");
        var app = await run.AppAsync("host", Counter, async call =>
        {
            if (call.Method == "die")
            {
                entered.TrySetResult();
                await Task.Delay(Timeout.Infinite, call.Http.RequestAborted);
            }

            return Results.Text("back");
        });
        await run.StartAsync();
        var dying = run.Client().CallAsync("Counter/1/method/die");
        await entered.Task.WaitAsync(ActorRun.Patience);

        await app.KillAsync();
        using var failed = await dying.WaitAsync(ActorRun.Patience);
        await run.DownAsync(app);
        var next = run.Client().CallAsync("Counter/1/method/x");
        await app.StartAsync();

        Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await failed.ErrorAsync());
        using var response = await next.WaitAsync(ActorRun.Patience);
        Assert.Equal("back", await response.TextAsync());
    }

    [Fact]
    public async Task A_sidecar_that_stops_deactivates_its_actors_which_may_still_save()
    {
        var saved = new TaskCompletionSource<HttpStatusCode>();
        await using var run = new ActorRun(options: new ActorOptions { DeactivationTimeout = ActorRun.Patience }).Store();
        var app = await run.AppAsync("host", Counter, _ => Task.FromResult(Results.Ok()));
        app.OnDeactivate = async (type, id) =>
        {
            using var response = await run.Client().SaveAsync($"{type}/{id}", """[{"operation":"upsert","request":{"key":"n","value":1}}]""");
            saved.TrySetResult(response.StatusCode);
        };
        await run.StartAsync();
        (await run.Client().CallAsync("Counter/1/method/x")).Dispose();

        await run.Sidecar.DisposeAsync();

        Assert.Equal(HttpStatusCode.NoContent, await saved.Task.WaitAsync(ActorRun.Patience));
        Assert.Contains("DELETE Counter/1", app.Requests);
    }

    /// <summary>An id that belongs on the second instance once it is there.</summary>
    private static async Task<string> MovingIdAsync(ActorRun run, ActorApp late)
    {
        await late.StartAsync();
        await run.UpAsync(late);
        var id = 0;
        do
        {
            using var response = await run.Client().CallAsync($"Counter/{++id}/method/x");
            if (await response.TextAsync() == "new")
            {
                break;
            }
        }
        while (true);

        await late.KillAsync();
        await run.DownAsync(late);
        return $"{id}";
    }

    private async Task<ActorApp> HostAsync(ActorRun run, int number, string appId = "host", bool started = true)
    {
        var app = await run.AppAsync(
            appId, Counter,
            call =>
            {
                _hostOf[call.Id] = number;
                _events.Enqueue($"call@{number} {call.Id}");
                return Task.FromResult(Results.Ok());
            },
            index: appId == "host" ? number : 0, started);
        app.OnDeactivate = (_, id) =>
        {
            _events.Enqueue($"delete@{number} {id}");
            return Task.CompletedTask;
        };
        return app;
    }

    private static Task CallAllAsync(HttpClient client) => Task.WhenAll(Enumerable.Range(0, Actors).Select(async id =>
    {
        using var response = await client.CallAsync($"Counter/{id}/method/x");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }));
}
