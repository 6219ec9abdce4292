using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>A Resiliency resource applied to service invocation, on a clock that the test moves.</summary>
public sealed class ResiliencyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _clock = new();
    private int _calls;
    private long _received;

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

    [Fact]
    public async Task A_breaker_is_that_of_one_endpoint_by_whatever_form_it_is_called()
    {
        await using var run = await StartAsync("circuitBreaker: careful", _ => 500);
        using var http = run.Client();
        for (var failure = 0; failure < 2; failure++)
        {
            await http.GetAsync("/v1.0/invoke/callee/method/work");
        }

        using var byHeader = new HttpRequestMessage(HttpMethod.Get, "/work") { Headers = { { "dapr-app-id", "callee" } } };
        using var refused = await http.SendAsync(byHeader);

        Assert.Contains("circuit breaker is open", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(2, _calls);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1.0/invoke/callee/method/elsewhere")).StatusCode);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 4)]
    public async Task The_built_in_retries_can_be_replaced_but_are_three_at_least(int configured, int retries)
    {
        await using var run = await StartAsync("retry: patient", _ => 200, callee: "other", retries: $"DaprBuiltInServiceRetries: {{duration: 2s, maxRetries: {configured}}}");
        await run.App(0).StopAsync();
        await TestRun.Eventually(() => !run.Sidecar.Apps[1].Channel.IsUp);
        using var http = run.Client();
        var pause = TimeSpan.FromSeconds(2);

        var before = _clock.Started(pause);
        var call = http.GetAsync("/v1.0/invoke/other/method/work").ErrorAsync();
        for (var retry = 1; retry <= retries; retry++)
        {
            await TestRun.Eventually(() => _clock.Started(pause) == before + retry);
            _clock.Advance(pause);
        }

        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await call);
        Assert.Equal(before + retries, _clock.Started(pause));
    }

    [Fact]
    public async Task A_large_body_of_known_length_is_sent_again_whole()
    {
        await using var run = await StartAsync("retry: patient", call => call < 2 ? 503 : 200);
        using var http = run.Client();

        var call = http.PostAsync("/v1.0/invoke/callee/method/work", new ByteArrayContent(new byte[1_000_000]));
        await PauseAsync(afterCall: 1);

        Assert.Equal(HttpStatusCode.OK, (await call).StatusCode);
        Assert.Equal(2_000_000, _received);
    }

    [Fact]
    public async Task Calls_of_locks_secrets_and_configuration_have_the_policy_of_their_component()
    {
        await using var run = new TestRun { Types = registry => registry.Add("lock.stuck", _ => new StuckLock()) }
            .Component("locks", "lock.stuck")
            .Yaml("resiliency.yaml", "kind: Resiliency\nmetadata: {name: rules}\nspec: {policies: {timeouts: {DefaultLockComponentOutboundTimeoutPolicy: 50ms}}}\n");
        await run.AppAsync("app");
        await run.StartAsync();
        using var http = run.Client();

        Assert.Equal((500, "ERR_TRY_LOCK"), await http.PostAsync("/v1.0-alpha1/lock/locks", JsonContent.Create(new { resourceId = "r", lockOwner = "o", expiryInSeconds = 1 })).ErrorAsync());
    }

    private sealed class StuckLock : ILockStore
    {
        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async ValueTask<bool> TryLockAsync(string resourceId, string owner, TimeSpan expiry, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return true;
        }

        public ValueTask<UnlockStatus> UnlockAsync(string resourceId, string owner, CancellationToken cancellationToken) => new(UnlockStatus.Success);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
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
    /// <param name="retries">A further retry policy.</param>
    private async Task<TestRun> StartAsync(string target, Func<int, int?> answer, string callee = "callee", string retries = "")
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
                  {{retries}}
                circuitBreakers:
                  careful: {maxRequests: 1, timeout: 5s, trip: consecutiveFailures > 1}
              targets:
                apps:
                  callee: { {{target}} }
            """);
        await run.AppAsync("caller");
        await run.AppAsync(callee, app => app.Map("/work", async (HttpContext http) =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            Interlocked.Add(ref _received, body.Length);
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
