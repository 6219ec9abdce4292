using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests.Revocations;

/// <summary>An app that checks tokens, its documents in a sidecar that fails as told, its clock moved by hand.</summary>
public sealed class RevocationFeedTests : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly Guid _source = Guid.NewGuid();
    private FakeSidecar _sidecar = null!;
    private TestService _service = null!;
    private bool _isReadable = true;
    private int _readings;
    private long _sequence;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await FakeSidecar.StartAsync();
        _sidecar.Before = (operation, http) =>
        {
            if (operation == "bulk")
            {
                _readings++;
                http.Response.StatusCode = _isReadable ? 200 : 500;
            }

            return Task.CompletedTask;
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Fact]
    public async Task What_is_stored_is_known_when_the_app_is_ready()
    {
        await StoreAsync("s1", _time.GetUtcNow().AddHours(3));
        await StoreAsync("s2", _time.GetUtcNow().AddHours(24));
        await StartAsync();
        await ReadyAsync();

        Assert.Equal(("TOKEN_REVOKED", "TOKEN_REVOKED", "u1"), (await AskAsync("s1"), await AskAsync("s2"), await AskAsync("s3")));
    }

    [Fact]
    public async Task Sealed_documents_are_read_too_and_once()
    {
        var end = _time.GetUtcNow().AddHours(1);
        var key = RevocationKeys.Of(RevocationKeys.HourOf(end), RevocationKeys.PartOf("s1"));
        await SaveAsync(RevocationKeys.Sealed(key, 1), Document(0, ("s1", end)));
        await SaveAsync(key, Document(1));
        await StartAsync();
        await ReadyAsync();
        Assert.Equal("TOKEN_REVOKED", await AskAsync("s1"));

        await SaveAsync(RevocationKeys.Sealed(key, 2), Document(0, ("s2", end)));
        await SaveAsync(key, Document(2, ("s3", end)));
        var before = _readings;
        await PassAsync(2 * Second);

        Assert.Equal(("TOKEN_REVOKED", "TOKEN_REVOKED"), (await AskAsync("s2"), await AskAsync("s3")));
        Assert.NotEqual(before, _readings);
    }

    [Fact]
    public async Task A_message_takes_effect_at_once()
    {
        await StartAsync();
        await ReadyAsync();
        await HearAsync("s1");

        Assert.Equal("TOKEN_REVOKED", await AskAsync("s1"));
    }

    [Fact]
    public async Task A_message_older_than_60_s_is_ignored()
    {
        await StartAsync();
        await ReadyAsync();
        var message = new TokenRevoked(_source, 1, _time.GetUtcNow().AddSeconds(-61), [Revocation("s1", _time.GetUtcNow().AddHours(1))]);

        Assert.Equal(HttpStatusCode.OK, await PostAsync(message));

        Assert.Equal("u1", await AskAsync("s1"));
    }

    [Fact]
    public async Task What_is_revoked_stays_so_when_the_documents_say_nothing_of_it()
    {
        await StartAsync();
        await ReadyAsync();
        await HearAsync("s1");

        await PassAsync(10 * Second);

        Assert.Equal("TOKEN_REVOKED", await AskAsync("s1"));
    }

    [Fact]
    public async Task A_revocation_is_forgotten_when_its_tokens_have_expired()
    {
        await StartAsync();
        await ReadyAsync();
        await HearAsync("s1");
        var revoked = _service.App.Services.GetRequiredService<RevokedTokens>();
        Assert.Equal(1, revoked.Count);

        _time.Advance(TimeSpan.FromHours(1));
        await PassAsync(2 * Second);
        Assert.Equal(1, revoked.Count);
        await PassAsync(70 * Second);

        Assert.Equal(0, revoked.Count);
    }

    [Fact]
    public async Task Without_messages_and_documents_for_30_s_nobody_is_judged_until_they_can_be_read()
    {
        await StartAsync();
        await ReadyAsync();
        _isReadable = false;

        await PassAsync(29 * Second);
        Assert.Equal("u1", await AskAsync("s1"));
        await PassAsync(3 * Second);
        Assert.Equal("IDENTITY_UNAVAILABLE", await AskAsync("s1"));
        Assert.Equal(HttpStatusCode.OK, await ReadyStatusAsync());
        Assert.Contains("\nidentity_revocations_state 2\n", await MetricsAsync());

        await StoreAsync("s1", _time.GetUtcNow().AddHours(1));
        _isReadable = true;
        await PassAsync(2 * Second);
        Assert.Equal(("TOKEN_REVOKED", "u1"), (await AskAsync("s1"), await AskAsync("s2")));
    }

    [Fact]
    public async Task Not_ready_and_nobody_judged_before_the_documents_are_read()
    {
        _isReadable = false;
        await StartAsync();
        await PassAsync(2 * Second);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "IDENTITY_UNAVAILABLE"), (await ReadyStatusAsync(), await AskAsync("s1")));
        _isReadable = true;
        await PassAsync(2 * Second);
        Assert.Equal((HttpStatusCode.OK, "u1"), (await ReadyStatusAsync(), await AskAsync("s1")));
    }

    [Fact]
    public async Task Metrics_tell_how_it_stands()
    {
        await StartAsync();
        await ReadyAsync();
        await HearAsync("s1");

        var metrics = await MetricsAsync();

        Assert.Contains("\nidentity_revocations 1\n", metrics);
        Assert.Contains("identity_revocations_state 0\n", metrics);
        Assert.Contains("identity_revocations_heartbeat_age_seconds 0\n", metrics);
        Assert.Contains("identity_revocations_readings_total{", metrics);
        Assert.Contains("identity_revocation_propagation_seconds_count{", metrics);
    }

    private async Task StartAsync()
    {
        var ticks = _time.Started(RevocationFeed.Tick);
        _service = await TestService.StartAsync(
            app =>
            {
                app.MapRevocations();
                app.MapGet("/me", (HttpContext http) =>
                {
                    var check = http.RequestServices.GetRequiredService<RequestTokens>().Check(http.Request);
                    return check.Identity is null ? RequestTokens.RefuseAsync(http, check.Failure) : http.Response.WriteAsync(check.Identity.UserId);
                });
            },
            builder => builder.Services.AddSingleton<TimeProvider>(_time).AddTokenVerification(),
            settings: [("DAPR_HTTP_ENDPOINT", _sidecar.Address), (TestTokens.Setting, TestTokens.Jwks)]);
        await UntilAsync(() => _time.Started(RevocationFeed.Tick) > ticks);
    }

    private Task ReadyAsync() => UntilAsync(async () => await ReadyStatusAsync() == HttpStatusCode.OK);

    private async Task<HttpStatusCode> ReadyStatusAsync()
    {
        using var response = await _service.SendAsync(HttpMethod.Get, "/healthz/ready");
        return response.StatusCode;
    }

    /// <summary>Lets time pass as the feed looks at it.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += RevocationFeed.Tick)
        {
            var ticks = _time.Started(RevocationFeed.Tick);
            _time.Advance(RevocationFeed.Tick);
            await UntilAsync(() => _time.Started(RevocationFeed.Tick) > ticks);
        }
    }

    /// <summary>The next message of auth, and that the feed has looked at it.</summary>
    private async Task HearAsync(params string[] sessions)
    {
        var ticks = _time.Started(RevocationFeed.Tick);
        var now = _time.GetUtcNow();
        Assert.Equal(
            HttpStatusCode.OK, await PostAsync(new TokenRevoked(_source, ++_sequence, now, [.. sessions.Select(id => Revocation(id, now.AddHours(1)))])));
        await UntilAsync(() => _time.Started(RevocationFeed.Tick) > ticks);
    }

    private async Task<HttpStatusCode> PostAsync(TokenRevoked message)
    {
        using var content = JsonContent.Create(message, options: TandemJson.Options);
        using var response = await _service.SendAsync(HttpMethod.Post, "/on/token-revoked", content, TestService.AppToken);
        return response.StatusCode;
    }

    /// <summary>The user, or the code of the refusal.</summary>
    private async Task<string> AskAsync(string session)
    {
        var token = TestTokens.Of("u1", TimeSpan.FromHours(12), _time.GetUtcNow(), claims => claims with { Sid = session });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var response = await _service.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            : (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("code").GetString()!;
    }

    private async Task<string> MetricsAsync()
    {
        using var response = await _service.SendAsync(HttpMethod.Get, "/metrics", token: TestService.AppToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private Task StoreAsync(string id, DateTimeOffset end) =>
        SaveAsync(RevocationKeys.Of(RevocationKeys.HourOf(end), RevocationKeys.PartOf(id)), Document(0, (id, end)));

    private async Task SaveAsync(string key, RevocationDocument document)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var content = JsonContent.Create(new[] { new { key, value = document } }, options: TandemJson.Options);
        using var response = await http.PostAsync($"{_sidecar.Address}/v1.0/state/{Components.Revocations}", content, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private RevocationDocument Document(int number, params (string Id, DateTimeOffset End)[] revocations) =>
        new([.. revocations.Select(item => Revocation(item.Id, item.End))], number);

    private Revocation Revocation(string id, DateTimeOffset end) => new(id, end, "logout", _time.GetUtcNow());

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(2, limit.Token);
        }
    }
}
