using System.Net;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>Resiliency targets that are actors: retries and circuit breakers outside the turn, the timeout inside (protocol: config §3, HTTP §6.2).</summary>
public sealed class ResiliencyTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task A_timeout_ends_the_turn_and_a_retry_is_another_turn()
    {
        var calls = 0;
        var entered = new TaskCompletionSource();
        await using var run = new ActorRun(_time).Store().Yaml("r.yaml", Policies("timeout: t, retry: r"));
        await run.AppAsync("host", """{"entities":["Counter"]}""", async call =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                entered.SetResult();
                await Task.Delay(Timeout.Infinite, call.Http.RequestAborted);
            }

            return Results.Text($"{calls}");
        });
        await run.StartAsync();

        var call = run.Client().CallAsync("Counter/1/method/x");
        await entered.Task.WaitAsync(ActorRun.Patience);
        _time.Advance(TimeSpan.FromSeconds(3));
        await ActorRun.Eventually(() => _time.Started(TimeSpan.FromSeconds(4)) > 0);
        _time.Advance(TimeSpan.FromSeconds(4));

        using var response = await call.WaitAsync(ActorRun.Patience);
        Assert.Equal("2", await response.TextAsync());
    }

    [Theory]
    [InlineData("type", new[] { 2, 0 })]
    [InlineData("id", new[] { 2, 1 })]
    [InlineData("both", new[] { 2, 0 })]
    public async Task A_breaker_is_of_the_type_or_of_the_actor(string scope, int[] reached)
    {
        await using var run = new ActorRun(_time).Store().Yaml("r.yaml", Policies($"circuitBreaker: b, circuitBreakerScope: {scope}"));
        var app = await run.AppAsync("host", """{"entities":["Counter"]}""", _ => Task.FromResult(Results.StatusCode(500)));
        await run.StartAsync();
        var client = run.Client();

        foreach (var id in new[] { 1, 1, 1, 2 })
        {
            using var response = await client.CallAsync($"Counter/{id}/method/x");
            Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await response.ErrorAsync());
        }

        Assert.Equal(reached, new[] { "PUT Counter/1/x", "PUT Counter/2/x" }.Select(line => app.Requests.Count(request => request == line)));
    }

    [Fact]
    public async Task Without_a_policy_an_answer_is_not_asked_for_again()
    {
        await using var run = new ActorRun(_time).Store();
        var app = await run.AppAsync("host", """{"entities":["Counter"]}""", _ => Task.FromResult(Results.StatusCode(503)));
        await run.StartAsync();

        using var response = await run.Client().CallAsync("Counter/1/method/x");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Single(app.Requests);
    }

    [Fact]
    public async Task A_breaker_without_a_scope_is_refused_at_start()
    {
        await using var run = new ActorRun(_time).Store().Yaml("r.yaml", Policies("circuitBreaker: b"));
        run.Caller("client");

        var exception = await Assert.ThrowsAsync<ComponentException>(run.StartAsync);

        Assert.Contains("circuitBreakerScope", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_stores_for_actors_are_refused_at_start()
    {
        await using var run = new ActorRun(_time).Store().Yaml("second.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: second}
            spec: {type: state.in-memory, version: v1, metadata: [{name: actorStateStore, value: "true"}]}
            """);
        run.Caller("client");

        var exception = await Assert.ThrowsAsync<ComponentException>(run.StartAsync);

        Assert.Contains("'second' and 'store'", exception.Message, StringComparison.Ordinal);
    }

    private static string Policies(string target) => $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies:
            timeouts: {t: 3s}
            retries: {r: {policy: constant, duration: 4s, maxRetries: 1} }
            circuitBreakers: {b: {trip: consecutiveFailures > 1, timeout: 45s} }
          targets:
            actors:
              Counter: { {{target}} }
        """;
}
