using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using Sidecar.Runtime.Resiliency;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>The parts of a resiliency policy by themselves.</summary>
public sealed class PolicyTests
{
    private readonly ManualTimeProvider _clock = new();

    private CircuitBreaker Breaker(int maxRequests = 1, TimeSpan interval = default) =>
        new(maxRequests, interval, timeout: TimeSpan.FromSeconds(30), new TripCondition("consecutiveFailures > 2"), _clock);

    private static void Call(CircuitBreaker breaker, bool succeeds) => breaker.Exit(breaker.Enter(), succeeds);

    [Fact]
    public void A_breaker_opens_when_more_failures_follow_each_other_than_allowed()
    {
        var breaker = Breaker();
        Call(breaker, false);
        Call(breaker, false);
        Call(breaker, true);
        Call(breaker, false);
        Call(breaker, false);
        Call(breaker, false);

        Assert.Throws<CircuitOpenException>(() => breaker.Enter());
    }

    [Fact]
    public void A_half_open_breaker_lets_its_probes_through_and_closes_after_their_success()
    {
        var breaker = Opened(Breaker(maxRequests: 2));
        _clock.Advance(TimeSpan.FromSeconds(30));

        var (first, second) = (breaker.Enter(), breaker.Enter());
        Assert.Throws<CircuitOpenException>(() => breaker.Enter());
        breaker.Exit(first, true);
        breaker.Exit(second, true);

        Call(breaker, true);
        Call(breaker, true);
        Call(breaker, true);
    }

    [Fact]
    public void A_failed_probe_opens_the_breaker_for_another_timeout()
    {
        var breaker = Opened(Breaker());
        _clock.Advance(TimeSpan.FromSeconds(30));
        Call(breaker, false);

        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Throws<CircuitOpenException>(() => breaker.Enter());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Call(breaker, true);
    }

    [Fact]
    public void What_was_begun_before_a_change_does_not_count()
    {
        var breaker = Breaker();
        var late = breaker.Enter();
        Opened(breaker);
        _clock.Advance(TimeSpan.FromSeconds(30));
        var probe = breaker.Enter();

        breaker.Exit(late, false);
        breaker.Exit(probe, true);

        Call(breaker, true);
        Call(breaker, true);
    }

    [Theory]
    [InlineData("requests >= 4 && double(totalFailures) / double(requests) > 0.5", "fff", false)]
    [InlineData("requests >= 4 && double(totalFailures) / double(requests) > 0.5", "fssf", false)]
    [InlineData("requests >= 4 && double(totalFailures) / double(requests) > 0.5", "ffsf", true)]
    [InlineData("totalFailures >= 3", "fsfsf", true)]
    [InlineData("consecutiveSuccesses < 1 && totalSuccesses == 1", "sf", true)]
    [InlineData("consecutiveFailures > 0.5 + 1", "ffff", false)]
    [InlineData("consecutiveFailures / 0 > 1", "ffff", false)]
    public void A_breaker_opens_on_any_condition_over_its_counts(string trip, string outcomes, bool opens)
    {
        var breaker = new CircuitBreaker(1, default, TimeSpan.FromSeconds(30), new TripCondition(trip), _clock);
        foreach (var outcome in outcomes)
        {
            Call(breaker, outcome == 's');
        }

        Assert.Equal(opens, Record.Exception(() => breaker.Enter()) is CircuitOpenException);
    }

    [Fact]
    public void The_interval_forgets_failures_of_a_closed_breaker()
    {
        var breaker = Breaker(interval: TimeSpan.FromSeconds(10));
        Call(breaker, false);
        Call(breaker, false);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Call(breaker, false);

        Call(breaker, true);
    }

    [Fact]
    public void A_constant_retry_waits_the_same_and_ends()
    {
        var retry = new RetryPolicy(false, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(60), 2, null);

        Assert.Equal(TimeSpan.FromSeconds(2), retry.Delay(1, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(2), retry.Delay(2, TimeSpan.FromHours(1)));
        Assert.Null(retry.Delay(3, TimeSpan.Zero));
        Assert.NotNull((retry with { MaxRetries = -1 }).Delay(1000, TimeSpan.FromHours(1)));
        Assert.Null((retry with { MaxRetries = 0 }).Delay(1, TimeSpan.Zero));
    }

    [Fact]
    public void An_exponential_retry_grows_to_its_maximum_and_ends_after_a_quarter_of_an_hour()
    {
        var retry = new RetryPolicy(true, TimeSpan.Zero, TimeSpan.FromSeconds(10), -1, null);

        Assert.InRange(retry.Delay(1, TimeSpan.Zero)!.Value.TotalSeconds, 0.25, 0.75);
        Assert.InRange(retry.Delay(3, TimeSpan.Zero)!.Value.TotalSeconds, 0.5625, 1.6875);
        Assert.InRange(retry.Delay(1000, TimeSpan.Zero)!.Value.TotalSeconds, 5, 15);
        Assert.Null(retry.Delay(4, TimeSpan.FromMinutes(15) + TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("429, 500-599", 429, true)]
    [InlineData("429, 500-599", 500, true)]
    [InlineData("429, 500-599", 599, true)]
    [InlineData("429, 500-599", 428, false)]
    public void Status_codes_are_single_ones_and_ranges(string text, int code, bool contained) => Assert.Equal(contained, StatusCodeSet.Parse(text, 100, 599).Contains(code));

    [Theory]
    [InlineData("retries: {r: {matching: {httpStatusCodes: 5xx}}}", "apps: {}", "httpStatusCodes '5xx' of 'r' is not a list of codes and ranges from 100 to 599")]
    [InlineData("retries: {r: {matching: {gRPCStatusCodes: 8-20}}}", "apps: {}", "gRPCStatusCodes '8-20' of 'r' is not a list of codes and ranges from 0 to 16")]
    [InlineData("retries: {r: {policy: linear}}", "apps: {}", "the policy of retry 'r' is 'linear', not constant or exponential")]
    [InlineData("circuitBreakers: {b: {trip: errors > 3}}", "apps: {}", "trip of circuit breaker 'b': expression 'errors > 3': 'errors' is unknown; there is requests, totalSuccesses, totalFailures, consecutiveSuccesses, consecutiveFailures")]
    [InlineData("{}", "apps: {callee: {retry: misspelt}}", "the resiliency target of app 'callee' names the unknown retry policy 'misspelt'")]
    [InlineData("{}", "components: {bus: {inbound: {timeout: misspelt}}}", "the resiliency target of component 'bus' names the unknown timeout policy 'misspelt'")]
    [InlineData("{}", "components: {bus: {outbound: {circuitBreaker: misspelt}}}", "the resiliency target of component 'bus' names the unknown circuitBreaker policy 'misspelt'")]
    public async Task A_mistake_in_a_resource_stops_the_start(string policies, string targets, string problem)
    {
        await using var run = new TestRun().Yaml(
            "resiliency.yaml",
            $"apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nmetadata: {{name: rules}}\nspec:\n  policies:\n    {policies}\n  targets:\n    {targets}\n");
        await run.AppAsync("a");

        Assert.EndsWith(problem, (await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync())).Message, StringComparison.Ordinal);
    }

    private static CircuitBreaker Opened(CircuitBreaker breaker)
    {
        Call(breaker, false);
        Call(breaker, false);
        Call(breaker, false);
        return breaker;
    }
}
