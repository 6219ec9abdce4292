using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Auth.Audit;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Tests;

/// <summary>People sign in with every provider; what auth sends is what the providers document.</summary>
public sealed class OAuthLoginTests
{
    public static TheoryData<string> Providers => [.. OAuthPlatform.Providers];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_person_signs_in(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();

        var end = await browser.SignInAsync(provider, "?device_id=laptop");

        Assert.Equal($"{OAuthPlatform.Frontend}/#/home", end);
        var verifier = platform.Auth.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(browser.Cookies["s_access"], out var identity));
        Assert.Equal(($"user-{provider}-1001", provider), (identity!.UserId, identity.Provider));
        Assert.True(browser.Cookies.ContainsKey("s_refresh"));
        Assert.All(browser.Cookies.Keys, name => Assert.DoesNotContain("s_oauth", name));
        var told = Assert.Single(platform.SignIns);
        Assert.Equal((provider, "1001", "ann@example.org", "Ann", "https://example.org/ann.png"), (told.Provider, told.ProviderUserId, told.Email, told.Nickname, told.ProfileImageUrl));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_address_at_the_provider_has_what_it_documents(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();

        var query = Browser.QueryOf(await browser.BeginAsync(provider));

        Assert.Equal(("code", "tandem-dev", $"{OAuthPlatform.Public}/api/v1/auth/{provider}/callback"), (query["response_type"], query["client_id"], query["redirect_uri"]));
        Assert.Equal(43, query["state"].Length);
        string? Get(string name) => query.GetValueOrDefault(name);
        Assert.Equal(provider == "naver" ? (null, null) : ("S256", 43), (Get("code_challenge_method"), Get("code_challenge")?.Length));
        Assert.Equal(provider switch { "google" => "openid email profile", "kakao" => null, _ => "profile email" }, Get("scope"));
        Assert.Equal(
            provider == "google" ? ("offline", "true", "consent") : (null, null, null), (Get("access_type"), Get("include_granted_scopes"), Get("prompt")));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_token_request_proves_who_began(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var address = await browser.BeginAsync(provider);

        await browser.CallbackAsync(await browser.AtProviderAsync(address));

        var query = Browser.QueryOf(address);
        var form = platform.Provider.Calls.First().Form;
        Assert.Equal(OAuthPlatform.Secret, form["client_secret"]);
        Assert.Equal(query["redirect_uri"], form["redirect_uri"]);
        Assert.Equal(provider == "naver" ? query["state"] : null, form.GetValueOrDefault("state"));
        if (provider == "naver")
        {
            Assert.False(form.ContainsKey("code_verifier"));
            return;
        }

        // RFC 7636 §4.6.
        Assert.Equal(86, form["code_verifier"].Length);
        Assert.Equal(query["code_challenge"], System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"]))));
    }

    [Theory]
    [InlineData("/api/v1/auth/google")]
    [InlineData("/api/v1/auth/google/login")]
    public async Task The_other_routes_say_the_same_in_another_form(string path)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        using var response = await browser.GetAsync(path);

        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(OAuthPlatform.Cancel);

        Assert.True(answer.GetProperty("success").GetBoolean());
        var data = answer.GetProperty("data");
        Assert.Equal("google", data.GetProperty("provider").GetString());
        Assert.Equal(platform.Auth.Time.GetUtcNow() + TimeSpan.FromSeconds(600), data.GetProperty("expires_at").GetDateTimeOffset());
        var address = new Uri(data.GetProperty("authorization_url").GetString()!);
        Assert.Equal(data.GetProperty("state").GetString(), Browser.QueryOf(address)["state"]);
        Assert.EndsWith("/#/home", await browser.CallbackAsync(await browser.AtProviderAsync(address)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_person_without_an_e_mail_address_signs_in(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Person = new("77", null, null, null) };
        using var browser = platform.NewBrowser();

        Assert.EndsWith("/#/home", await browser.SignInAsync(provider), StringComparison.Ordinal);

        var told = Assert.Single(platform.SignIns);
        Assert.Equal(("77", null, null, null), (told.ProviderUserId, told.Email, told.Nickname, told.ProfileImageUrl));
    }

    [Fact]
    public async Task A_provider_without_a_client_id_is_off()
    {
        await using var platform = await OAuthPlatform.StartAsync(("OAuth:naver:ClientId", ""));
        using var browser = platform.NewBrowser();

        foreach (var path in (string[])["/naver", "/naver/login", "/naver/authorize", "/naver/callback?state=x&code=y", "/example"])
        {
            using var response = await browser.GetAsync($"/api/v1/auth{path}");
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Equal("PROVIDER_NOT_AVAILABLE", (await response.Content.ReadFromJsonAsync<JsonElement>(OAuthPlatform.Cancel)).GetProperty("code").GetString());
        }

        using var methods = await browser.GetAsync("/api/v1/auth/methods");
        var all = (await methods.Content.ReadFromJsonAsync<JsonElement>(OAuthPlatform.Cancel)).GetProperty("methods").EnumerateArray();
        Assert.Equal(["google", "kakao"], all.Where(method => method.GetProperty("kind").GetString() == "provider").Select(method => method.GetProperty("name").GetString()!));
    }

    [Fact]
    public async Task Kakao_needs_no_secret_and_Google_does()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.Provider.Behaviour = platform.Provider.Behaviour with { ClientSecret = null };
        platform.Auth.Dapr.Secrets.TryRemove("oauth-google", out _);
        platform.Auth.Dapr.Secrets.TryRemove("oauth-kakao", out _);
        using var browser = platform.NewBrowser();

        Assert.EndsWith("/#/home", await browser.SignInAsync("kakao"), StringComparison.Ordinal);
        Assert.EndsWith("/#/login?error=oauth_failed", await browser.SignInAsync("google"), StringComparison.Ordinal);
        Assert.Contains(platform.Auth.Dapr.Logs.Entries, line => line.Message.Contains("secret 'oauth-google'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_clients_own_state_is_used_once()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var state = new string('s', 32);

        Assert.Equal(state, Browser.QueryOf(await browser.BeginAsync("google", $"?state={state}"))["state"]);

        foreach (var refused in (string[])[state, "short", $"{state}%20", $"{state}%0d%0a", new string('s', 257)])
        {
            using var response = await browser.GetAsync($"/api/v1/auth/google/authorize?state={refused}");
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("INVALID_STATE", (await response.Content.ReadFromJsonAsync<JsonElement>(OAuthPlatform.Cancel)).GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task A_person_sees_the_own_sign_ins_and_only_so_many()
    {
        await using var platform = await OAuthPlatform.StartAsync(("Auth:AuditKept", "3"));
        using var browser = platform.NewBrowser();
        foreach (var device in (string[])["a", "b", "c", "d"])
        {
            await browser.SignInAsync("google", $"?device_id={device}");
            platform.Auth.Time.Advance(TimeSpan.FromMinutes(1));
        }

        using var gateway = platform.Auth.Gateway("user-google-1001");
        var history = await gateway.GetFromJsonAsync<LoginHistory>("/api/v1/auth/audit", TandemJson.Options, OAuthPlatform.Cancel);

        Assert.Equal(["d", "c", "b"], history!.Logins.Select(login => login.Device.Id));
        Assert.All(history.Logins, login => Assert.Equal(("success", "google", null), (login.Outcome, login.Way, login.Reason)));
        using var stranger = platform.Auth.Gateway("somebody-else");
        Assert.Empty((await stranger.GetFromJsonAsync<LoginHistory>("/api/v1/auth/audit", TandemJson.Options, OAuthPlatform.Cancel))!.Logins);
        using var nobody = platform.Auth.Gateway();
        using var refused = await nobody.GetAsync("/api/v1/auth/audit", OAuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Outside_Development_cookies_are_secure_and_of_the_host_alone()
    {
        await using var platform = await OAuthPlatform.StartAsync(("Environment", "Staging"));
        using var browser = platform.NewBrowser();

        var address = await browser.BeginAsync("google");
        Assert.StartsWith("__Host-s_oauth_", Assert.Single(browser.Cookies).Key, StringComparison.Ordinal);
        var cookie = Assert.Single(browser.SetCookies);
        Assert.All((string[])["secure", "httponly", "samesite=lax", "path=/"], attribute => Assert.Contains(attribute, cookie, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);

        Assert.EndsWith("/#/home", await browser.CallbackAsync(await browser.AtProviderAsync(address)), StringComparison.Ordinal);
        Assert.True(browser.Cookies.ContainsKey("__Host-s_access"));
    }
}
