using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>A Resiliency resource applied to service invocation, on a clock that the test moves.</summary>
public sealed class ResiliencyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _clock = new();
    private int _calls;

    [Fact]
    public async Task A_matching_status_is_tried_again_after_the_pause()
    {
        await using var run = await StartAsync("retry: patient", call => call < 3 ? 503 : 200);
        using var http = run.Client();

        var call = http.GetAsync("/v1.0/invoke/callee/method/work");
        await PauseAsync(afterCall: 1);
        await PauseAsync(afterCall: 2);

        Assert.Equal(HttpStatusCode.OK, (await call).StatusCode);
        Assert.Equal(3, _calls);
    }

    [Fact]
    public async Task When_the_retries_are_used_up_the_callees_answer_comes_back()
    {
        await using var run = await StartAsync("retry: patient", _ => 503);
        using var http = run.Client();

        var call = http.GetAsync("/v1.0/invoke/callee/method/work");
        await PauseAsync(afterCall: 1);
        await PauseAsync(afterCall: 2);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await call).StatusCode);
        Assert.Equal(3, _calls);
    }

    [Fact]
    public async Task A_status_that_does_not_match_is_not_tried_again()
    {
        await using var run = await StartAsync("retry: patient", _ => 500);
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.InternalServerError, (await http.GetAsync("/v1.0/invoke/callee/method/work")).StatusCode);
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task Another_app_is_not_touched_by_the_target()
    {
        await using var run = await StartAsync("retry: patient", _ => 503, callee: "other");
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/v1.0/invoke/other/method/work")).StatusCode);
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task A_callee_that_does_not_answer_in_time_is_an_error()
    {
        await using var run = await StartAsync("timeout: short", _ => null);
        using var http = run.Client();

        var call = http.GetAsync("/v1.0/invoke/callee/method/work").JsonAsync();
        await TestRun.Eventually(() => _clock.Started(TimeSpan.FromMilliseconds(50)) == 1 && Volatile.Read(ref _calls) == 1);
        _clock.Advance(TimeSpan.FromMilliseconds(50));

        var error = await call;
        Assert.Equal("ERR_DIRECT_INVOKE", error.GetProperty("errorCode").GetString());
        Assert.Contains("no answer within", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_open_breaker_spares_the_callee_until_its_timeout_has_passed()
    {
        await using var run = await StartAsync("circuitBreaker: careful", call => call <= 2 ? 500 : 200);
        using var http = run.Client();
        async Task<(int Status, string Text)> CallAsync()
        {
            using var response = await http.GetAsync("/v1.0/invoke/callee/method/work");
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        }

        Assert.Equal((500, ""), await CallAsync());
        Assert.Equal((500, ""), await CallAsync());
        var refused = await CallAsync();
        Assert.Equal(500, refused.Status);
        Assert.Contains("circuit breaker is open", refused.Text, StringComparison.Ordinal);
        Assert.Equal(2, _calls);

        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((200, ""), await CallAsync());
        Assert.Equal((200, ""), await CallAsync());
        Assert.Equal(4, _calls);
    }

    [Fact]
    public async Task Without_a_policy_a_callee_that_is_down_is_tried_three_times_more_a_second_apart()
    {
        await using var run = await StartAsync("retry: patient", _ => 200, callee: "other");
        await run.App(0).StopAsync();
        await TestRun.Eventually(() => !run.Sidecar.Apps[1].Channel.IsUp);
        using var http = run.Client();

        var before = _clock.Started(Second);
        var call = http.GetAsync("/v1.0/invoke/other/method/work").ErrorAsync();
        for (var retry = 1; retry <= 3; retry++)
        {
            await TestRun.Eventually(() => _clock.Started(Second) == before + retry);
            _clock.Advance(Second);
        }

        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await call);
        Assert.Equal(before + 3, _clock.Started(Second));
    }

    /// <summary>Waits until the callee has answered so often and the sidecar pauses, and lets the pause end.</summary>
    private async Task PauseAsync(int afterCall)
    {
        await TestRun.Eventually(() => Volatile.Read(ref _calls) == afterCall && _clock.Started(Second) == afterCall);
        _clock.Advance(Second);
    }

    /// <param name="target">What the resource says of the app <c>callee</c>.</param>
    /// <param name="answer">Status by the number of the call; null never answers.</param>
    /// <param name="callee">Id of the app that is called.</param>
    private async Task<TestRun> StartAsync(string target, Func<int, int?> answer, string callee = "callee")
    {
        var run = new TestRun().Yaml("resiliency.yaml", $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: rules}
            spec:
              policies:
                timeouts: {short: 50ms}
                retries:
                  patient: {policy: constant, duration: 1s, maxRetries: 2, matching: { httpStatusCodes: "429,502-504" } }
                circuitBreakers:
                  careful: {maxRequests: 1, timeout: 5s, trip: consecutiveFailures > 1}
              targets:
                apps:
                  callee: { {{target}} }
            """);
        await run.AppAsync("caller");
        await run.AppAsync(callee, app => app.MapGet("/work", async (HttpContext http) =>
        {
            if (answer(Interlocked.Increment(ref _calls)) is not { } status)
            {
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return;
            }

            http.Response.StatusCode = status;
        }));
        return await run.StartAsync(_clock);
    }
}
