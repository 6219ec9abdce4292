using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Idempotency;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Gateway.Tests;

public sealed class IdempotencyTests : IAsyncLifetime
{
    private const string Path = "/api/v1/users/me";

    /// <summary>Name of the document of key <c>k1</c> of user <c>u1</c>.</summary>
    private static readonly string Document =
        "idempotency-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"u1\nPOST\n{Path}\nk1")));

    /// <summary>Timers count milliseconds.</summary>
    private static readonly TimeSpan Renewal = TimeSpan.FromMilliseconds(3333);

    private FakeSidecar _sidecar = null!;
    private int _runs;

    /// <summary>What the app does; the number of the run comes first.</summary>
    private Func<HttpContext, int, Task> _app = (http, run) =>
    {
        http.Response.StatusCode = 201;
        http.Response.Headers.Location = "/made";
        http.Response.Headers.SetCookie = "s=1";
        return http.Response.WriteAsync($"run {run}");
    };

    public async ValueTask InitializeAsync()
    {
        _sidecar = await FakeSidecar.StartAsync();
        _sidecar.Apps["users"] = (http, _) => _app(http, Interlocked.Increment(ref _runs));
    }

    public async ValueTask DisposeAsync() => await _sidecar.DisposeAsync();

    /// <summary>By default time stands still: a lease that this machine is too slow to renew would end a request.</summary>
    private GatewayApp Gateway(TimeProvider? clock = null, params (string, string?)[] settings) =>
        new(clock: clock ?? StandingClock(), settings: [("DAPR_HTTP_ENDPOINT", _sidecar.Address), .. settings]);

    /// <summary>No lease ends, however long a test takes.</summary>
    private static ManualTimeProvider StandingClock() => new(TimeProvider.System.GetUtcNow());

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient client, string? key, string body = "{}", string path = Path, string method = "POST", string header = "Idempotency-Key",
        CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation(header, key);
        }

        return await client.SendAsync(request, cancellationToken);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(GatewayApp.Patience);
        while (!condition())
        {
            await Task.Delay(1, limit.Token);
        }
    }

    private static async Task<(int, string?)> Refusal(HttpResponseMessage response) => ((int)response.StatusCode, await GatewayApp.CodeOf(response));

    [Fact]
    public async Task A_repeat_gets_the_same_answer_from_any_replica_and_nothing_happens_again()
    {
        await using var one = Gateway();
        await using var two = Gateway();
        using var first = await SendAsync(one.Client(bearerOf: "u1"), "k1");
        using var again = await SendAsync(two.Client(bearerOf: "u1"), "\"k1\"", header: "X-Idempotency-Key");

        Assert.All([first, again], response =>
        {
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            Assert.Equal("/made", response.Headers.Location?.OriginalString);
        });
        Assert.Equal("run 1", await again.Content.ReadAsStringAsync());
        Assert.Equal("run 1", await first.Content.ReadAsStringAsync());
        Assert.True(first.Headers.Contains("Set-Cookie"));
        Assert.False(again.Headers.Contains("Set-Cookie"));
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task A_key_belongs_to_user_method_path_and_body()
    {
        await using var app = Gateway();
        using var client = app.Client(bearerOf: "u1");
        using var first = await SendAsync(client, "k1", "{\"a\":1}");
        using var otherBody = await SendAsync(client, "k1", "{\"a\":2}");
        using var otherQuery = await SendAsync(client, "k1", "{\"a\":1}", $"{Path}?x=1");
        Assert.Equal((422, "IDEMPOTENCY_KEY_REUSED"), await Refusal(otherBody));
        Assert.Equal((422, "IDEMPOTENCY_KEY_REUSED"), await Refusal(otherQuery));
        Assert.Equal(1, _runs);

        using var otherUser = await SendAsync(app.Client(bearerOf: "u2"), "k1", "{\"a\":1}");
        using var otherMethod = await SendAsync(client, "k1", "{\"a\":1}", method: "PATCH");
        using var otherPath = await SendAsync(client, "k1", "{\"a\":1}", $"{Path}/x");
        using var noKey = await SendAsync(client, null);
        using var noKeyAgain = await SendAsync(client, null);
        Assert.Equal(6, _runs);
    }

    [Fact]
    public async Task While_it_runs_a_repeat_is_told_so_and_afterwards_gets_the_answer()
    {
        var started = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _app = async (http, run) =>
        {
            started.SetResult();
            await goOn.Task;
            await http.Response.WriteAsync($"run {run}");
        };
        var clock = StandingClock();
        await using var one = Gateway(clock);
        await using var two = Gateway(clock);
        var running = SendAsync(one.Client(bearerOf: "u1"), "k1");
        await started.Task.WaitAsync(GatewayApp.Patience);

        using var meanwhile = await SendAsync(two.Client(bearerOf: "u1"), "k1");
        using var other = await SendAsync(two.Client(bearerOf: "u1"), "k1", "{\"other\":1}");
        goOn.SetResult();
        using var first = await running;
        using var after = await SendAsync(two.Client(bearerOf: "u1"), "k1");

        Assert.Equal((409, "IDEMPOTENCY_IN_PROGRESS"), await Refusal(meanwhile));
        Assert.Equal("1", string.Join(",", meanwhile.Headers.GetValues("Retry-After")));
        Assert.Equal((422, "IDEMPOTENCY_KEY_REUSED"), await Refusal(other));
        Assert.Equal("run 1", await after.Content.ReadAsStringAsync());
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Of_many_at_once_one_is_carried_out()
    {
        var goOn = new TaskCompletionSource();
        _app = async (http, run) =>
        {
            await goOn.Task;
            await http.Response.WriteAsync($"run {run}");
        };
        var clock = StandingClock();
        await using var one = Gateway(clock);
        await using var two = Gateway(clock);
        var answers = Enumerable.Range(0, 20).Select(i => SendAsync((i % 2 == 0 ? one : two).Client(bearerOf: "u1"), "k1")).ToList();
        for (var refused = 0; refused < 19; refused++)
        {
            var answer = await Task.WhenAny(answers).WaitAsync(GatewayApp.Patience);
            answers.Remove(answer);
            Assert.Equal((409, "IDEMPOTENCY_IN_PROGRESS"), await Refusal(await answer));
        }

        goOn.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await answers.Single()).StatusCode);
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task It_goes_on_when_its_client_has_left()
    {
        var started = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var stopped = false;
        _app = async (http, run) =>
        {
            started.TrySetResult();
            await goOn.Task;
            stopped = http.RequestAborted.IsCancellationRequested;
            await http.Response.WriteAsync($"run {run}");
        };
        await using var app = Gateway(StandingClock());
        using var client = app.Client(bearerOf: "u1");
        using var leave = new CancellationTokenSource();
        var running = SendAsync(client, "k1", cancellationToken: leave.Token);
        await started.Task.WaitAsync(GatewayApp.Patience);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        goOn.SetResult();

        HttpResponseMessage answer;
        do
        {
            answer = await SendAsync(client, "k1");
        }
        while (answer.StatusCode == HttpStatusCode.Conflict);
        Assert.Equal("run 1", await answer.Content.ReadAsStringAsync());
        Assert.Equal((1, false), (_runs, stopped));
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(404, true)]
    [InlineData(429, false)]
    [InlineData(500, false)]
    [InlineData(503, false)]
    public async Task Refusals_are_kept_and_failures_free_the_key_for_any_body(int status, bool kept)
    {
        _app = (http, _) =>
        {
            http.Response.StatusCode = status;
            return Task.CompletedTask;
        };
        await using var app = Gateway();
        using var client = app.Client(bearerOf: "u1");
        using var first = await SendAsync(client, "k1");
        using var again = await SendAsync(client, "k1");
        using var other = await SendAsync(client, "k1", "{\"other\":1}");
        Assert.Equal([status, status, kept ? 422 : status], new[] { first, again, other }.Select(response => (int)response.StatusCode));
        Assert.Equal(kept ? 1 : 3, _runs);
    }

    [Fact]
    public async Task An_answer_that_broke_off_frees_the_key()
    {
        _app = (http, run) =>
        {
            // The first one promises more than it sends.
            http.Response.ContentLength = run == 1 ? 100 : 5;
            return http.Response.WriteAsync($"run {run}");
        };
        await using var app = Gateway();
        using var client = app.Client(bearerOf: "u1");
        using var broken = await SendAsync(client, "k1");
        using var again = await SendAsync(client, "k1");
        Assert.Equal((502, "UPSTREAM_BROKEN"), await Refusal(broken));
        Assert.Equal("run 2", await again.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_answer_too_large_to_keep_is_given_once()
    {
        _app = (http, _) => http.Response.WriteAsync(new string('x', 5000));
        await using var app = Gateway(settings: ("Gateway:Idempotency:MaxAnswerBytes", "1000"));
        using var client = app.Client(bearerOf: "u1");
        using var first = await SendAsync(client, "k1");
        using var again = await SendAsync(client, "k1");
        Assert.Equal(5000, (await first.Content.ReadAsStringAsync()).Length);
        Assert.Equal((409, "IDEMPOTENCY_ANSWER_NOT_KEPT"), await Refusal(again));
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task After_a_gateway_died_its_key_is_free_when_the_lease_has_ended()
    {
        var started = new TaskCompletionSource();
        _app = async (http, run) =>
        {
            if (run == 1)
            {
                started.SetResult();
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }

            await http.Response.WriteAsync($"run {run}");
        };
        // A clock that stands still renews nothing: as good as dead.
        var start = TimeProvider.System.GetUtcNow();
        var stopped = new ManualTimeProvider(start);
        var clock = new ManualTimeProvider(start);
        await using var dead = Gateway(stopped);
        await using var alive = Gateway(clock);
        var running = SendAsync(dead.Client(bearerOf: "u1"), "k1");
        await started.Task.WaitAsync(GatewayApp.Patience);
        using var client = alive.Client(bearerOf: "u1");

        clock.Advance(TimeSpan.FromSeconds(9));
        using var early = await SendAsync(client, "k1");
        Assert.Equal((409, "IDEMPOTENCY_IN_PROGRESS"), await Refusal(early));
        clock.Advance(TimeSpan.FromSeconds(2));
        using var late = await SendAsync(client, "k1");
        Assert.Equal("run 2", await late.Content.ReadAsStringAsync());

        // It was not dead after all: it finds that the key is another's and stops what it was doing.
        await UntilAsync(() => stopped.Started(Renewal) > 0);
        stopped.Advance(TimeSpan.FromSeconds(4));
        using var lost = await running.WaitAsync(GatewayApp.Patience);
        Assert.Equal((502, "UPSTREAM_BROKEN"), await Refusal(lost));
        using var again = await SendAsync(client, "k1");
        Assert.Equal("run 2", await again.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_long_request_keeps_its_key()
    {
        var goOn = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        _app = async (http, run) =>
        {
            started.TrySetResult();
            await goOn.Task;
            await http.Response.WriteAsync($"run {run}");
        };
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var app = Gateway(clock);
        using var client = app.Client(bearerOf: "u1");
        var running = SendAsync(client, "k1");
        await started.Task.WaitAsync(GatewayApp.Patience);
        for (var i = 0; i < 10; i++)
        {
            await UntilAsync(() => clock.Started(Renewal) > i);
            var before = _sidecar.Stored(Document);
            clock.Advance(TimeSpan.FromSeconds(3.4));
            await UntilAsync(() => _sidecar.Stored(Document) != before);
        }

        using var repeat = await SendAsync(client, "k1");
        Assert.Equal((409, "IDEMPOTENCY_IN_PROGRESS"), await Refusal(repeat));
        goOn.SetResult();
        using var answer = await running;
        Assert.Equal("run 1", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Nothing_is_done_while_keys_cannot_be_checked()
    {
        _sidecar.Before = (operation, http) =>
        {
            http.Response.StatusCode = operation is "read" or "write" ? 400 : 200;
            return Task.CompletedTask;
        };
        await using var app = Gateway();
        using var response = await SendAsync(app.Client(bearerOf: "u1"), "k1");
        Assert.Equal((503, "IDEMPOTENCY_UNAVAILABLE"), await Refusal(response));
        Assert.Equal(0, _runs);
    }

    [Fact]
    public async Task An_answer_is_given_though_it_could_not_be_kept()
    {
        var down = false;
        _app = (http, run) =>
        {
            down = true;
            return http.Response.WriteAsync($"run {run}");
        };
        _sidecar.Before = (operation, http) =>
        {
            http.Response.StatusCode = down && (operation is "read" or "write") ? 400 : 200;
            return Task.CompletedTask;
        };
        await using var app = Gateway();
        using var response = await SendAsync(app.Client(bearerOf: "u1"), "k1");
        Assert.Equal("run 1", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task What_is_stored_shows_neither_key_nor_body_of_the_request()
    {
        await using var app = Gateway();
        using var response = await SendAsync(app.Client(bearerOf: "u1"), "k1", "{\"secret\":1}");
        var stored = JsonDocument.Parse(_sidecar.Stored(Document)!).RootElement.GetRawText();
        Assert.DoesNotContain("secret", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("Set-Cookie", stored, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("k", "k")]
    [InlineData("\"k\"", "k")]
    [InlineData("\"a b,\\\"\\\\\"", "a b,\"\\")]
    [InlineData(" 8e03978e-40d5-43e8-bc93-6894a57f9324 ", "8e03978e-40d5-43e8-bc93-6894a57f9324")]
    [InlineData("", null)]
    [InlineData("\"\"", null)]
    [InlineData("\"k", null)]
    [InlineData("\"k\";a=1", null)]
    [InlineData("\"\\k\"", null)]
    [InlineData("k, l", null)]
    [InlineData("k\"", null)]
    [InlineData("k\u00e9", null)]
    [InlineData("k\tl", null)]
    public void Keys_are_strings_or_bare(string header, string? expected)
    {
        var headers = new HeaderDictionary { [IdempotencyKey.Header] = header };
        Assert.Equal(expected is not null, IdempotencyKey.TryRead(headers, out var key));
        Assert.Equal(expected, expected is null ? null : key);
    }

    [Fact]
    public void Two_keys_and_endless_ones_are_malformed()
    {
        Assert.False(IdempotencyKey.TryRead(new HeaderDictionary { [IdempotencyKey.Header] = "a", [IdempotencyKey.Alias] = "b" }, out _));
        Assert.True(IdempotencyKey.TryRead(new HeaderDictionary { [IdempotencyKey.Header] = "a", [IdempotencyKey.Alias] = "a" }, out _));
        Assert.False(IdempotencyKey.TryRead(new HeaderDictionary { [IdempotencyKey.Header] = new string('a', 256) }, out _));
    }

    [Fact]
    public async Task A_malformed_key_is_refused_and_other_routes_pass_theirs_on()
    {
        _sidecar.Apps["auth"] = (_, _) => Task.CompletedTask;
        _sidecar.Apps["scan"] = (http, _) => http.Response.WriteAsync(http.Request.Headers["Idempotency-Key"].ToString());
        await using var app = Gateway();
        using var client = app.Client(bearerOf: "u1");
        using var malformed = await SendAsync(client, "\"k");
        Assert.Equal((400, "IDEMPOTENCY_KEY_INVALID"), await Refusal(malformed));
        using var scan = await SendAsync(client, "k1", path: "/api/v1/scan");
        Assert.Equal("k1", await scan.Content.ReadAsStringAsync());
        using var signIn = await SendAsync(client, "k1", path: "/api/v1/auth/guest");
        Assert.Equal(HttpStatusCode.OK, signIn.StatusCode);
        Assert.Equal(0, _runs);
    }
}
