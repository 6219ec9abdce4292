using System.Net;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;
using TestKit;

namespace Auth.Tests.Sessions;

public sealed class RefreshTests
{
    [Fact]
    public async Task Gives_the_next_pair_and_keeps_the_session()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await platform.SignInAsync();
        platform.Time.Advance(TimeSpan.FromHours(3));

        var second = await platform.RefreshedAsync(first.RefreshToken);

        Assert.NotEqual(first.RefreshToken, second.RefreshToken);
        Assert.Equal(platform.Read(first.RefreshToken).Sid, platform.Read(second.RefreshToken).Sid);
        var verifier = platform.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(second.AccessToken, out var identity));
        Assert.Equal("user-1", identity!.UserId);
        Assert.Equal(platform.Time.GetUtcNow().AddDays(30).ToUnixTimeSeconds(), platform.Read(second.RefreshToken).Exp);
    }

    [Fact]
    public async Task A_browser_gets_cookies_and_no_body()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Cookie", $"s_refresh={tokens.RefreshToken}");

        using var response = await client.PostAsync("/api/v1/auth/refresh", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsStringAsync(AuthPlatform.Cancel));
        var set = response.Headers.GetValues("Set-Cookie").ToArray();
        Assert.Equal(2, set.Length);
        Assert.All(set, cookie => Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("max-age=10800", set[0], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("max-age=2592000", set[1], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_header_wins_over_Authorization_and_cookie()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var (mine, other) = (await platform.SignInAsync(), await platform.SignInAsync("user-2"));
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("X-Refresh-Token", $"Bearer {mine.RefreshToken}");
        client.DefaultRequestHeaders.Add("Authorization", $"Bearer {other.AccessToken}");
        client.DefaultRequestHeaders.Add("Cookie", $"s_refresh={other.RefreshToken}");

        using var response = await client.PostAsync("/api/v1/auth/refresh", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(2, Assert.Single(await platform.SessionsAsync()).Generation);
        Assert.Equal(1, Assert.Single(await platform.SessionsAsync("user-2")).Generation);
    }

    [Fact]
    public async Task A_lost_answer_is_given_again_within_the_grace()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await platform.SignInAsync();
        var second = await platform.RefreshedAsync(first.RefreshToken);
        platform.Time.Advance(TimeSpan.FromSeconds(9));

        Assert.Equal(second, await platform.RefreshedAsync(first.RefreshToken));
        Assert.Equal(2, Assert.Single(await platform.SessionsAsync()).Generation);
    }

    [Fact]
    public async Task Requests_at_the_same_time_get_the_same_pair()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await platform.SignInAsync();

        var pairs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => platform.RefreshedAsync(first.RefreshToken)));

        Assert.Single(pairs.Distinct());
    }

    [Fact]
    public async Task A_replayed_token_ends_the_session_and_its_access_tokens()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var stolen = await platform.SignInAsync();
        var second = await platform.RefreshedAsync(stolen.RefreshToken);
        platform.Time.Advance(TimeSpan.FromSeconds(10));

        await platform.RefusedAsync(stolen.RefreshToken);

        await platform.RefusedAsync(second.RefreshToken);
        var revocation = await platform.RevocationAsync(platform.Read(second.RefreshToken).Sid);
        Assert.Equal("refresh_reused", revocation?.Reason);
        Assert.True(revocation!.ExpiresAt >= platform.Time.GetUtcNow().AddHours(3).AddSeconds(-10));
        Assert.Empty(await platform.SessionsAsync());
        var audit = platform.App.Services.GetRequiredService<Auth.Audit.LoginAudit>();
        Assert.Equal("refresh_reused", Assert.Single(await audit.GetAsync("user-1", AuthPlatform.Cancel)).Reason);
    }

    [Fact]
    public async Task A_token_two_generations_old_is_a_replay_even_within_the_grace()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await platform.SignInAsync();
        var second = await platform.RefreshedAsync(first.RefreshToken);
        var third = await platform.RefreshedAsync(second.RefreshToken);

        await platform.RefusedAsync(first.RefreshToken);
        await platform.RefusedAsync(third.RefreshToken);
    }

    [Fact]
    public async Task Without_grace_the_second_use_is_a_replay()
    {
        await using var platform = await AuthPlatform.StartAsync(settings: ("Auth:RefreshGrace", "00:00:00"));
        var first = await platform.SignInAsync();
        var second = await platform.RefreshedAsync(first.RefreshToken);

        await platform.RefusedAsync(first.RefreshToken);
        await platform.RefusedAsync(second.RefreshToken);
    }

    [Fact]
    public async Task Tokens_that_are_not_ours_to_refresh_are_refused()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        var other = await platform.SignInAsync("user-2");
        var key = platform.App.Services.GetRequiredService<Auth.Keys.KeyRing>().Active;
        var claims = platform.Read(tokens.RefreshToken);
        string Sign(TokenClaims changed, string type = TokenTypes.Refresh) => TokenWriter.Write(key, type, changed);

        await platform.RefusedAsync(tokens.AccessToken, "INVALID_TOKEN");
        await platform.RefusedAsync(Sign(claims, TokenTypes.Access), "INVALID_TOKEN");
        await platform.RefusedAsync(Sign(claims with { Aud = "api" }), "INVALID_TOKEN");
        await platform.RefusedAsync(Sign(claims with { Iss = "somebody" }), "INVALID_TOKEN");
        await platform.RefusedAsync(TokenWriter.Write(TestTokens.Key, TokenTypes.Refresh, claims), "INVALID_TOKEN");
        await platform.RefusedAsync(tokens.RefreshToken[..^4] + "AAAA", "INVALID_TOKEN");
        await platform.RefusedAsync(Sign(claims with { Exp = claims.Iat - 60 }), "TOKEN_EXPIRED");
        // Signed by us, but put together: another person's session, or one that never was.
        await platform.RefusedAsync(Sign(claims with { Sid = platform.Read(other.RefreshToken).Sid }));
        await platform.RefusedAsync(Sign(claims with { Sid = Guid.NewGuid().ToString("N") }));

        await platform.RefreshedAsync(tokens.RefreshToken);
        await platform.RefreshedAsync(other.RefreshToken);
    }

    [Fact]
    public async Task Without_a_token_there_is_nothing_to_refresh()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var client = platform.Gateway();

        using var response = await client.PostAsync("/api/v1/auth/refresh", null, AuthPlatform.Cancel);

        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHORIZED"), (response.StatusCode, await TestSession.CodeOf(response)));
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task A_refused_browser_loses_its_cookies()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Cookie", "s_access=old; s_refresh=old");

        using var response = await client.PostAsync("/api/v1/auth/refresh", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.All(response.Headers.GetValues("Set-Cookie"), cookie => Assert.Contains("expires=Thu, 01 Jan 1970", cookie, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Whoever_refreshes_too_often_keeps_the_latest_access_tokens_only()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        var session = platform.Read(tokens.RefreshToken).Sid;
        for (var n = 0; n < 32; n++)
        {
            tokens = await platform.RefreshedAsync(tokens.RefreshToken);
        }

        Assert.Equal(32, Assert.Single(await platform.SessionsAsync()).Access.Count);
        Assert.NotNull(await platform.RevocationAsync(Auth.Sessions.SessionTokens.AccessId(session, 1)));
        Assert.Null(await platform.RevocationAsync(Auth.Sessions.SessionTokens.AccessId(session, 2)));
    }
}
