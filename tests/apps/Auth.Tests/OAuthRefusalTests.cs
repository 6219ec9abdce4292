using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Auth.Tests;

/// <summary>What is refused before anything is done. Nothing of the platform changes by it, so all these tests are on one.</summary>
public sealed class OAuthRefusalTests(OAuthRefusalTests.Shared shared) : IClassFixture<OAuthRefusalTests.Shared>
{
    private const string Failed = $"{OAuthPlatform.Frontend}/#/login?error=oauth_failed";

    [Theory]
    [InlineData("")]
    [InlineData("?code=x")]
    [InlineData("?state=&code=x")]
    [InlineData("?state=unknown-unknown-unknown-unknown-&code=x")]
    [InlineData("?error=access_denied")]
    [InlineData("?error=%3Cscript%3E&error_description=%3Cscript%3E")]
    public async Task A_callback_without_a_known_state_is_refused(string query)
    {
        using var browser = shared.Platform.NewBrowser();

        Assert.Equal(Failed, await browser.CallbackAsync($"/api/v1/auth/google/callback{query}"));
        Assert.Empty(shared.Platform.Provider.Calls);
    }

    [Theory]
    [InlineData("https://tandem.example.org/api/v1/auth/kakao/callback")]
    [InlineData("https://tandem.example.org/api/v1/auth/google/callback/")]
    [InlineData("https://tandem.example.org/api/v1/auth/google/callback?x=1")]
    [InlineData("https://tandem.example.org/api/v1/auth/google/callback#x")]
    [InlineData("https://tandem.example.org/api/v1/auth/google/../google/callback")]
    [InlineData("https://tandem.example.org:443/api/v1/auth/google/callback")]
    [InlineData("https://app.example.org/back/../evil")]
    [InlineData("https://APP.example.org/back")]
    [InlineData("http://app.example.org/back")]
    [InlineData("https://evil.example/back")]
    [InlineData("javascript:alert(1)")]
    public async Task Redirects_are_compared_exactly(string redirect)
    {
        using var browser = shared.Platform.NewBrowser();

        await RefusedAsync(browser, $"/api/v1/auth/google/authorize?redirect_uri={Uri.EscapeDataString(redirect)}", "INVALID_REDIRECT_URI");
        Assert.Empty(browser.Cookies);
    }

    [Theory]
    [InlineData("https://app.example.org@evil.example")]
    [InlineData("https://evil.example\\@app.example.org")]
    [InlineData("https://app.example.org.evil.example")]
    [InlineData("https://evil-app.example.org")]
    [InlineData("https://app.example.org:8443")]
    [InlineData("https://app.example.org:443")]
    [InlineData("https://app.example.org/")]
    [InlineData("https://app.example.org/evil")]
    [InlineData("https://app.example.org?x")]
    [InlineData("https://app.example.org\t")]
    [InlineData("https://app.example.org\r\nSet-Cookie: a=b")]
    [InlineData("https://app。example。org")]
    [InlineData("https://аpp.example.org")]
    [InlineData("https://APP.EXAMPLE.ORG")]
    [InlineData("http://app.example.org")]
    [InlineData("HTTPS://app.example.org")]
    [InlineData("//app.example.org")]
    [InlineData("\\\\app.example.org")]
    [InlineData("/\\app.example.org")]
    [InlineData("https:app.example.org")]
    [InlineData("https:///app.example.org")]
    [InlineData("javascript:alert(1)//https://app.example.org")]
    [InlineData("null")]
    public async Task Nobody_is_sent_to_another_page(string origin)
    {
        using var browser = shared.Platform.NewBrowser();

        await RefusedAsync(browser, $"/api/v1/auth/google/authorize?frontend_origin={Uri.EscapeDataString(origin)}", "INVALID_FRONTEND_ORIGIN");
        if (origin.All(c => c is >= ' ' and < '\x7f'))
        {
            await RefusedAsync(browser, "/api/v1/auth/google", "INVALID_FRONTEND_ORIGIN", ("X-Frontend-Origin", origin));
            using var failed = await browser.GetAsync("/api/v1/auth/google/callback?code=x", ("X-Frontend-Origin", origin));
            Assert.Equal(Failed, failed.Headers.Location!.OriginalString);
        }
    }

    private static async Task RefusedAsync(Browser browser, string path, string code, params (string Name, string Value)[] headers)
    {
        using var response = await browser.GetAsync(path, headers);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, (await response.Content.ReadFromJsonAsync<JsonElement>(OAuthPlatform.Cancel)).GetProperty("code").GetString());
    }

    /// <summary>The platform of all of them.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        internal OAuthPlatform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await OAuthPlatform.StartAsync();

        public ValueTask DisposeAsync() => Platform.DisposeAsync();
    }
}
