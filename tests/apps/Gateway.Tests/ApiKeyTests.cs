using System.Net;
using System.Text.Json;
using Contracts.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;
using TestKit;

namespace Gateway.Tests;

/// <summary>API keys at the gateway: traded for tokens, once for many requests.</summary>
public sealed class ApiKeyTests : IAsyncLifetime
{
    private const string Exchange = "/v1.0/invoke/auth/method/internal/api-keys/exchange";

    private readonly string _key = ApiKeyText.Create(Guid.NewGuid().ToString("N")).Text;
    private readonly ManualTimeProvider _time = new();
    private FakeServer _sidecar = null!;
    private GatewayApp _app = null!;

    private int Exchanges => _sidecar.Requests.Count(request => request.Path == Exchange);

    public async ValueTask InitializeAsync()
    {
        _sidecar = await FakeServer.StartAsync();
        _sidecar.Answer = AnswerAsync;
        _app = new GatewayApp(_sidecar, clock: _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_is_good_for_its_scopes_as_either_header(bool ownHeader)
    {
        using var allowed = await SendAsync("/api/v1/scan/", _key, ownHeader);
        using var refused = await SendAsync("/api/v1/users/me", _key, ownHeader);

        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal((HttpStatusCode.Forbidden, "INSUFFICIENT_SCOPE"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
        Assert.Equal(1, Exchanges);
        var forwarded = Assert.Single(_sidecar.Requests, request => request.Path != Exchange);
        Assert.Equal("owner", forwarded.Headers["X-User-ID"]);
        Assert.DoesNotContain(forwarded.Headers, header => header.Value.ToString().Contains(ApiKeyText.Prefix, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_app_that_verifies_tokens_itself_gets_the_token()
    {
        await using var sse = await FakeServer.StartAsync();
        await using var app = new GatewayApp(_sidecar, clock: _time, settings: ("services:sse:http:0", sse.Url));

        using var response = await SendAsync("/api/v1/jobs/1/log", _key, ownHeader: true, app);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var forwarded = Assert.Single(sse.Requests);
        Assert.StartsWith("Bearer ey", forwarded.Headers.Authorization.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("X-API-Key", forwarded.Headers.Keys);
    }

    [Fact]
    public async Task Many_requests_at_once_make_one_exchange()
    {
        var gate = new TaskCompletionSource();
        _sidecar.Answer = async context =>
        {
            if (context.Request.Path == Exchange)
            {
                await gate.Task;
            }

            await AnswerAsync(context);
        };
        var requests = Enumerable.Range(0, 20).Select(_ => SendAsync("/api/v1/scan/", _key)).ToArray();
        using var limit = new CancellationTokenSource(GatewayApp.Patience);
        while (Exchanges == 0)
        {
            await Task.Delay(5, limit.Token);
        }

        gate.SetResult();

        Assert.All(await Task.WhenAll(requests), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(1, Exchanges);
    }

    [Fact]
    public async Task The_token_is_replaced_shortly_before_its_end()
    {
        (await SendAsync("/api/v1/scan/", _key)).Dispose();
        _time.Advance(TimeSpan.FromMinutes(13.9));
        (await SendAsync("/api/v1/scan/", _key)).Dispose();
        Assert.Equal(1, Exchanges);

        _time.Advance(TimeSpan.FromMinutes(0.2));
        using var renewed = await SendAsync("/api/v1/scan/", _key);

        Assert.Equal(HttpStatusCode.OK, renewed.StatusCode);
        Assert.Equal(2, Exchanges);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_while_its_token_is_held()
    {
        (await SendAsync("/api/v1/scan/", _key)).Dispose();
        _app.Services.GetRequiredService<RevokedTokens>().Add(ApiKeyText.Parse(_key)!.Id, _time.GetUtcNow() + TimeSpan.FromMinutes(16));

        using var refused = await SendAsync("/api/v1/scan/", _key);

        Assert.Equal((HttpStatusCode.Unauthorized, "TOKEN_REVOKED"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_a_mistyped_one_asks_nobody()
    {
        _sidecar.Answer = context =>
        {
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        };
        using var wrong = await SendAsync("/api/v1/scan/", _key);
        using var mistyped = await SendAsync("/api/v1/scan/", _key[..^1] + "x");
        using var cut = await SendAsync("/api/v1/models", "tandem_", ownHeader: false);

        foreach (var refused in new[] { wrong, mistyped, cut })
        {
            Assert.Equal((HttpStatusCode.Unauthorized, "INVALID_API_KEY"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
        }

        Assert.Equal(1, Exchanges);
    }

    [Fact]
    public async Task Without_auth_nobody_can_tell_and_the_next_request_asks_again()
    {
        var answer = _sidecar.Answer;
        _sidecar.Answer = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        using var away = await SendAsync("/api/v1/scan/", _key);
        _sidecar.Answer = answer;
        using var back = await SendAsync("/api/v1/scan/", _key);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "IDENTITY_UNAVAILABLE"), (away.StatusCode, await GatewayApp.CodeOf(away)));
        Assert.NotNull(away.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);
    }

    [Fact]
    public async Task No_more_tokens_are_held_than_allowed()
    {
        await using var app = new GatewayApp(_sidecar, clock: _time, settings: ("Gateway:ApiKeys:MaxHeld", "1"));
        var other = ApiKeyText.Create(Guid.NewGuid().ToString("N")).Text;

        foreach (var key in new[] { _key, other, _key })
        {
            using var response = await SendAsync("/api/v1/scan/", key, app: app);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(3, Exchanges);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path != Exchange)
        {
            return;
        }

        var end = _time.GetUtcNow() + TimeSpan.FromMinutes(15);
        var token = TestTokens.Of("owner", TimeSpan.FromMinutes(15), _time.GetUtcNow(), claims => claims with
        {
            Provider = "api-key", Sid = ApiKeyText.Parse(_key)!.Id, Scope = "scan jobs",
        });
        await context.Response.WriteAsJsonAsync(new ExchangedApiKey(token, end), TandemJson.Options);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string key, bool ownHeader = true, GatewayApp? app = null)
    {
        using var client = (app ?? _app).Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation(ownHeader ? "X-API-Key" : "Authorization", ownHeader ? key : $"Bearer {key}");
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
