using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Gateway.RateLimits;
using TestKit;

namespace Gateway.Tests;

public sealed class RateLimitTests
{
    private static readonly string[] Writes = ["POST"];

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        if (forwardedFor is not null)
        {
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        }

        return await client.SendAsync(request);
    }

    [Fact]
    public async Task A_user_is_told_what_is_left_and_when_to_come_back()
    {
        await using var sidecar = await FakeServer.StartAsync();
        var clock = new ManualTimeProvider();
        await using var app = new GatewayApp(sidecar, clock: clock, settings:
            [("Gateway:RateLimits:Policies:writes:Quota", "2"), ("Gateway:RateLimits:Policies:writes:Kind", "SlidingWindow")]);
        using var one = app.Client(bearerOf: "u1");
        using var two = app.Client(bearerOf: "u2");

        using var first = await PostAsync(one, "/api/v1/users/me");
        using var second = await PostAsync(one, "/api/v1/users/me");
        using var third = await PostAsync(one, "/api/v1/users/me");
        using var other = await PostAsync(two, "/api/v1/users/me");
        using var read = await one.GetAsync("/api/v1/users/me");

        Assert.Equal([200, 200, 429, 200, 200], new[] { first, second, third, other, read }.Select(response => (int)response.StatusCode));
        Assert.Equal(4, sidecar.Requests.Count);
        Assert.Equal("\"writes\";q=2;w=60", Header(first, "RateLimit-Policy"));
        Assert.StartsWith("\"writes\";r=1;t=", Header(first, "RateLimit"), StringComparison.Ordinal);
        Assert.StartsWith("\"writes\";r=0;t=", Header(second, "RateLimit"), StringComparison.Ordinal);
        Assert.StartsWith("\"reads\";r=", Header(read, "RateLimit"), StringComparison.Ordinal);

        var problem = await third.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("RATE_LIMITED", problem.GetProperty("code").GetString());
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.GetProperty("type").GetString());
        Assert.Equal("writes", problem.GetProperty("violated-policies")[0].GetString());
        var wait = int.Parse(Header(third, "Retry-After"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal($"\"writes\";r=0;t={wait}", Header(third, "RateLimit"));

        clock.Advance(TimeSpan.FromSeconds(wait));
        using var later = await PostAsync(one, "/api/v1/users/me");
        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
    }

    [Fact]
    public async Task Failures_say_what_is_left_too_and_who_is_nobody_counts_by_address()
    {
        await using var app = new GatewayApp(settings: [("Gateway:RateLimits:Policies:sign-in:Quota", "2")]);
        using var client = app.Client();
        client.DefaultRequestHeaders.Add("Authorization", "Bearer forged");
        using var unavailable = await PostAsync(client, "/api/v1/auth/guest");
        using var refused = await PostAsync(client, "/api/v1/auth/guest");
        using var limited = await PostAsync(client, "/api/v1/auth/guest");
        using var read = await client.GetAsync("/api/v1/models");

        Assert.Equal([503, 503, 429, 503], new[] { unavailable, refused, limited, read }.Select(response => (int)response.StatusCode));
        Assert.Contains("\"sign-in\";r=1", Header(unavailable, "RateLimit"), StringComparison.Ordinal);
        Assert.Contains("\"reads\";r=2999", Header(read, "RateLimit"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", "203.0.113.1", "203.0.113.2", true)]
    [InlineData("127.0.0.0/8", "2001:db8:1:1::1", "2001:db8:1:2::1", true)]
    [InlineData("127.0.0.1", "2001:db8:1:1::1", "2001:db8:1:1:ffff::2", false)]
    // What a client writes itself stands before what the proxy adds.
    [InlineData("127.0.0.1", "198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1", false)]
    [InlineData("10.0.0.1", "203.0.113.1", "203.0.113.2", false)]
    [InlineData(null, "203.0.113.1", "203.0.113.2", false)]
    public async Task Addresses_are_believed_from_configured_proxies_alone(string? proxy, string one, string two, bool areTold)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings: [("Gateway:RateLimits:Policies:sign-in:Quota", "1"), ("Gateway:TrustedProxies:0", proxy ?? "192.0.2.1")]);
        using var client = app.Client();
        using var first = await PostAsync(client, "/api/v1/auth/guest", one);
        using var second = await PostAsync(client, "/api/v1/auth/guest", two);
        Assert.Equal((200, areTold ? 200 : 429), ((int)first.StatusCode, (int)second.StatusCode));
    }

    [Fact]
    public async Task Addresses_do_not_count_where_everybody_has_the_same()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings: [("Gateway:RateLimits:Policies:sign-in:Quota", "1"), ("Gateway:RateLimits:PerAddress", "false")]);
        using var client = app.Client();
        for (var i = 0; i < 3; i++)
        {
            using var response = await PostAsync(client, "/api/v1/auth/guest");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.False(response.Headers.Contains("RateLimit"));
        }
    }

    [Theory]
    [InlineData(LimitKind.SlidingWindow)]
    [InlineData(LimitKind.TokenBucket)]
    public void Waiting_as_long_as_told_is_enough_and_one_second_less_is_not(LimitKind kind)
    {
        var policy = new RateLimitPolicy { Kind = kind, Quota = 7, Window = TimeSpan.FromMinutes(10) };
        var counter = RateCounter.Of(policy);
        var random = new Random(5);
        var now = 0L;
        for (var i = 0; i < 5000; i++)
        {
            now += random.NextInt64(0, 60 * TimeSpan.TicksPerSecond);
            var decision = counter.Take(policy, now);
            if (decision.Allowed)
            {
                continue;
            }

            var wait = decision.ResetSeconds * TimeSpan.TicksPerSecond;
            Assert.True(wait == TimeSpan.TicksPerSecond || !counter.Take(policy, now + wait - TimeSpan.TicksPerSecond).Allowed);
            now += wait;
            Assert.True(counter.Take(policy, now).Allowed);
        }
    }

    [Fact]
    public void A_sliding_window_counts_the_share_of_the_one_before()
    {
        var policy = new RateLimitPolicy { Quota = 60 };
        var counter = RateCounter.Of(policy);
        int Passed(double second) => Enumerable.Range(0, 100).Count(_ => counter.Take(policy, (long)(second * TimeSpan.TicksPerSecond)).Allowed);
        Assert.Equal(60, Passed(30));
        Assert.Equal(0, Passed(59));
        Assert.Equal(30, Passed(90));
        Assert.Equal(60, Passed(1000));
    }

    [Fact]
    public void A_token_bucket_refills_evenly()
    {
        var policy = new RateLimitPolicy { Kind = LimitKind.TokenBucket, Quota = 60 };
        var counter = RateCounter.Of(policy);
        int Passed(double second) => Enumerable.Range(0, 100).Count(_ => counter.Take(policy, (long)(second * TimeSpan.TicksPerSecond)).Allowed);
        Assert.Equal(60, Passed(0));
        Assert.Equal(10, Passed(10));
        Assert.Equal(60, Passed(100));
    }

    [Fact]
    public void A_flood_of_callers_takes_bounded_memory_and_frees_no_busy_one()
    {
        const int Max = 1000;
        var policy = new RateLimitPolicy { Quota = 50 };
        var table = new CounterTable(policy, Max, new ManualTimeProvider());
        var passed = 0;
        for (var i = 0; i < 200_000; i++)
        {
            table.Take(new Partition(null, (UInt128)(ulong)i));
            passed += i % 100 == 0 && table.Take(Partition.Of("busy")).Allowed ? 1 : 0;
            Assert.InRange(table.Count, 0, Max);
        }

        Assert.Equal(50, passed);
    }

    [Fact]
    public void Quiet_callers_are_forgotten()
    {
        var clock = new ManualTimeProvider();
        var table = new CounterTable(new RateLimitPolicy { Quota = 5 }, 100_000, clock);
        for (var i = 0; i < 1000; i++)
        {
            table.Take(new Partition(null, (UInt128)(ulong)i));
        }

        for (var i = 0; i < 2; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(121));
            table.Take(Partition.Of($"other{i}"));
        }

        Assert.Equal(2, table.Count);
    }

    [Fact]
    public async Task Requests_at_once_are_all_counted()
    {
        var table = new CounterTable(new RateLimitPolicy { Quota = 1000 }, 100, new ManualTimeProvider());
        var passed = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                Interlocked.Add(ref passed, table.Take(Partition.Of("u1")).Allowed ? 1 : 0);
            }
        })));
        Assert.Equal(1000, passed);
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void Addresses_of_one_network_are_one_caller(string one, string two, bool same) =>
        Assert.Equal(same, Partition.Of(IPAddress.Parse(one)) == Partition.Of(IPAddress.Parse(two)));

    [Fact]
    public void An_unknown_limit_stops_the_start()
    {
        var options = new RateLimitOptions { Default = ["missing"], Policies = { ["bad"] = new RateLimitPolicy { Quota = 0, Methods = Writes } } };
        Assert.Equal(2, options.Validate(new System.ComponentModel.DataAnnotations.ValidationContext(options)).Count());
    }
}
