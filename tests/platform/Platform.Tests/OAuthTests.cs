using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FakeModelServer;
using IdentityProviders;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Platform.Tests;

/// <summary>The platform in front of a local identity provider.</summary>
public sealed class OAuthRun : IAsyncLifetime
{
    private readonly WebApplication _provider = IdentityProviderHost.Build(["--urls", "http://127.0.0.1:0"]);

    public PlatformRun Platform { get; private set; } = null!;

    public IdentityProviderServer Provider => _provider.Services.GetRequiredService<IdentityProviderServer>();

    public async ValueTask InitializeAsync()
    {
        await _provider.StartAsync();
        var settings = IdentityProviderHost.Settings(_provider.Urls.First(), "google").Append((Name: "OAuth:google:NeedsSecret", Value: "false"));
        Platform = await PlatformRun.StartAsync(new FakeModelOptions(), [.. settings.Select(setting => (setting.Name.Replace(":", "__", StringComparison.Ordinal), setting.Value))]);
    }

    public async ValueTask DisposeAsync()
    {
        if (Platform is not null)
        {
            await Platform.DisposeAsync();
        }

        await _provider.DisposeAsync();
    }
}

/// <summary>A browser signs in with Google's protocol through the gateway of the running platform.</summary>
public sealed class OAuthTests(OAuthRun run) : IClassFixture<OAuthRun>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_person_signs_in_uses_the_platform_refreshes_and_logs_out()
    {
        run.Provider.Behaviour = new Behaviour { Person = new Person("501", "bo@example.org", "Bo", null) };
        var (browser, jar) = NewBrowser();
        using var _ = browser;

        Assert.Equal("#/home", await SignInAsync(browser));

        var me = await browser.GetFromJsonAsync<JsonElement>("/api/v1/users/me", Cancel);
        Assert.Equal("Bo", me.GetProperty("nickname").GetString());
        using (var characters = await browser.GetAsync("/api/v1/users/me/characters", Cancel))
        {
            Assert.Equal(HttpStatusCode.OK, characters.StatusCode);
        }

        var audit = await browser.GetFromJsonAsync<JsonElement>("/api/v1/auth/audit", Cancel);
        Assert.Equal("google", Assert.Single(audit.GetProperty("logins").EnumerateArray()).GetProperty("way").GetString());

        var user = UserOf(jar);
        var access = Cookie(jar, "s_access");
        using (var refreshed = await PostAsync(browser, "/api/v1/auth/refresh"))
        {
            Assert.True(refreshed.IsSuccessStatusCode, refreshed.StatusCode.ToString());
        }

        Assert.NotEqual(access, Cookie(jar, "s_access"));
        Assert.Equal(user, UserOf(jar));
        using (var loggedOut = await PostAsync(browser, "/api/v1/auth/logout"))
        {
            Assert.True(loggedOut.IsSuccessStatusCode, loggedOut.StatusCode.ToString());
        }

        using var refused = await browser.GetAsync("/api/v1/users/me", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        // Again: the same account.
        Assert.Equal("#/home", await SignInAsync(browser));
        Assert.Equal(user, UserOf(jar));
    }

    [Fact]
    public async Task Users_killed_in_the_middle_of_a_sign_in_leaves_no_half_account()
    {
        for (var i = 0; i < 4; i++)
        {
            var person = new Person($"60{i}", null, $"Person {i}", null);
            // The moment differs: before users is asked, while it works, and after.
            run.Provider.Behaviour = new Behaviour { Person = person, Profile = AnswerFault.Slow, Latency = TimeSpan.FromMilliseconds(100) };
            var (browser, jar) = NewBrowser();
            using var _ = browser;
            var signIn = SignInAsync(browser);
            await Task.Delay(TimeSpan.FromMilliseconds(60 * i), Cancel);
            await run.Platform.KillAsync("users#0", Cancel);

            var end = await signIn;

            Assert.Contains(end, (string[])["#/home", "#/login?error=oauth_failed"]);
            Console.WriteLine($"{person.Nickname}: {end}");
            for (var attempt = 0; end != "#/home"; attempt++)
            {
                Assert.True(attempt < 20, "signing in does not go well again");
                end = await SignInAsync(browser);
            }

            var identity = await run.Platform.StateAsync(
                "users", $"identity:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"google:{person.Id}")))}", Cancel);
            var user = UserOf(jar);
            Assert.Equal(user, identity!.Value.GetProperty("user_id").GetString());
            var account = await run.Platform.StateAsync("users", $"user:{user}", Cancel);
            var link = Assert.Single(account!.Value.GetProperty("linked_accounts").EnumerateArray());
            Assert.Equal(person.Id, link.GetProperty("provider_user_id").GetString());
            Assert.Equal(person.Nickname, account.Value.GetProperty("nickname").GetString());
        }
    }

    private (HttpClient Browser, CookieContainer Jar) NewBrowser()
    {
        var jar = new CookieContainer();
        return (new HttpClient(new SocketsHttpHandler { CookieContainer = jar, UseProxy = false }) { BaseAddress = run.Platform.Gateway }, jar);
    }

    /// <summary>Follows every redirect as a browser does; the fragment where it ends.</summary>
    private static async Task<string> SignInAsync(HttpClient browser)
    {
        var begun = await browser.GetFromJsonAsync<JsonElement>("/api/v1/auth/google", Cancel);
        using var page = await browser.GetAsync(begun.GetProperty("data").GetProperty("authorization_url").GetString(), Cancel);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        return page.RequestMessage!.RequestUri!.Fragment;
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient browser, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        return await browser.SendAsync(request, Cancel);
    }

    private string Cookie(CookieContainer jar, string name) => jar.GetCookies(run.Platform.Gateway)[name]!.Value;

    /// <summary>Claim <c>sub</c> of the access token.</summary>
    private string UserOf(CookieContainer jar) =>
        JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(Cookie(jar, "s_access").Split('.')[1])).RootElement.GetProperty("sub").GetString()!;
}
