using System.Net;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>One turn at a time per actor; reentrancy; callers that go away.</summary>
public sealed class TurnTests
{
    private const string Counter = """{"entities":["Counter"]}""";

    [Fact]
    public async Task Calls_of_one_actor_wait_for_each_other_and_those_of_another_do_not()
    {
        var first = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun().Store();
        var app = await run.AppAsync("host", Counter, async call =>
        {
            if (call.Method == "slow")
            {
                entered.SetResult();
                await first.Task;
            }

            return Results.Text(call.Method);
        });
        await run.StartAsync();
        var client = run.Client();
        var slow = client.CallAsync("Counter/1/method/slow");
        await entered.Task.WaitAsync(ActorRun.Patience);
        var second = client.CallAsync("Counter/1/method/second");

        (await client.CallAsync("Counter/2/method/other")).Dispose();
        Assert.False(second.IsCompleted);
        first.SetResult();

        (await slow).Dispose();
        (await second).Dispose();
        Assert.Equal(["PUT Counter/1/slow", "PUT Counter/2/other", "PUT Counter/1/second"], app.Requests);
    }

    [Fact]
    public async Task A_turn_outlives_its_caller_and_a_waiting_caller_that_goes_is_not_served()
    {
        var proceed = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun().Store();
        var app = await run.AppAsync("host", Counter, async call =>
        {
            if (call.Method == "slow")
            {
                entered.SetResult();
                await proceed.Task;
            }

            return Results.Text("ok");
        });
        await run.StartAsync();
        var client = run.Client();
        using var impatient = new CancellationTokenSource();
        var slow = client.CallAsync("Counter/1/method/slow", cancellationToken: impatient.Token);
        await entered.Task.WaitAsync(ActorRun.Patience);
        var waiting = client.CallAsync("Counter/1/method/waiting", cancellationToken: impatient.Token);
        var last = client.CallAsync("Counter/1/method/last");

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(last.IsCompleted);
        proceed.SetResult();

        using var response = await last;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("PUT Counter/1/slow", app.Requests.First());
    }

    [Fact]
    public async Task A_turn_whose_caller_has_gone_ends_after_a_while()
    {
        var time = new ManualTimeProvider();
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun(time).Store();
        await run.AppAsync("host", Counter, async call =>
        {
            if (call.Method == "stuck")
            {
                entered.SetResult();
                await Task.Delay(Timeout.Infinite, call.Http.RequestAborted);
            }

            return Results.Text("ok");
        });
        await run.StartAsync();
        var client = run.Client();
        using var impatient = new CancellationTokenSource();
        var stuck = client.CallAsync("Counter/1/method/stuck", cancellationToken: impatient.Token);
        await entered.Task.WaitAsync(ActorRun.Patience);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stuck);
        await ActorRun.Eventually(() => time.Started(new ActorOptions().AbandonedTurnTimeout) > 0);

        var next = client.CallAsync("Counter/1/method/next");
        time.Advance(new ActorOptions().AbandonedTurnTimeout);

        using var response = await next;
        Assert.Equal("ok", await response.TextAsync());
    }

    [Fact]
    public async Task More_callers_than_may_wait_are_refused()
    {
        var proceed = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun(options: new ActorOptions { MaxWaitingCalls = 0 }).Store();
        await run.AppAsync("host", Counter, async _ =>
        {
            entered.TrySetResult();
            await proceed.Task;
            return Results.Text("ok");
        });
        await run.StartAsync();
        var client = run.Client();
        var running = client.CallAsync("Counter/1/method/x");
        await entered.Task.WaitAsync(ActorRun.Patience);

        using var refused = await client.CallAsync("Counter/1/method/x");
        proceed.SetResult();

        Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await refused.ErrorAsync());
        Assert.Equal(HttpStatusCode.OK, (await running).StatusCode);
    }

    [Fact]
    public async Task A_reentrant_actor_takes_a_call_of_its_own_chain_up_to_the_stack_depth()
    {
        await using var run = new ActorRun().Store();
        HttpClient client = null!;
        var chains = new List<string>();
        await run.AppAsync("host", """{"entities":["Node"],"reentrancy":{"enabled":true,"maxStackDepth":3}}""", async call =>
        {
            var chain = call.Http.Request.Headers["Dapr-Reentrancy-Id"].ToString();
            chains.Add(chain);
            using var nested = await client.CallAsync("Node/1/method/again", chain: chain);
            return nested.StatusCode == HttpStatusCode.OK ? Results.Text(await nested.TextAsync()) : Results.Text(await nested.ErrorAsync());
        });
        await run.StartAsync();
        client = run.Client();

        using var response = await client.CallAsync("Node/1/method/start");

        Assert.Equal("500 ERR_ACTOR_STACK_DEPTH", await response.TextAsync());
        Assert.Equal(3, chains.Count);
        Assert.Single(chains.Distinct());
        Assert.NotEqual("", chains[0]);
    }

    [Fact]
    public async Task A_chain_through_an_actor_that_is_not_reentrant_comes_back_in()
    {
        await using var run = new ActorRun().Store();
        HttpClient client = null!;
        await run.AppAsync("host", """{"entities":["Node","Plain"],"reentrancy":{"enabled":true},"entitiesConfig":[{"entities":["Plain"],"reentrancy":{"enabled":false}}]}""", async call =>
        {
            var chain = call.Http.Request.Headers["Dapr-Reentrancy-Id"].ToString();
            var next = (call.Type, call.Method) switch { ("Node", "start") => "Plain/1/method/on", ("Plain", _) => "Node/1/method/end", _ => null };
            if (next is null)
            {
                return Results.Text("end");
            }

            using var nested = await client.CallAsync(next, chain: chain);
            return Results.Text(await nested.TextAsync());
        });
        await run.StartAsync();
        client = run.Client();

        using var response = await client.CallAsync("Node/1/method/start").WaitAsync(ActorRun.Patience);

        Assert.Equal("end", await response.TextAsync());
    }
}
