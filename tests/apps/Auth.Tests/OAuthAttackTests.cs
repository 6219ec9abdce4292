using IdentityProviders;

namespace Auth.Tests;

/// <summary>What somebody may try against a sign-in: stolen and planted states, open redirects, answers of others.</summary>
public sealed class OAuthAttackTests
{
    private const string Failed = $"{OAuthPlatform.Frontend}/#/login?error=oauth_failed";

    public static TheoryData<string> Providers => [.. OAuthPlatform.Providers];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_state_works_once(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var address = await browser.BeginAsync(provider);
        var cookies = browser.Cookies.ToArray();
        var callback = await browser.AtProviderAsync(address);

        Assert.EndsWith("/#/home", await browser.CallbackAsync(callback), StringComparison.Ordinal);
        Array.ForEach(cookies, cookie => browser.Cookies[cookie.Key] = cookie.Value);

        Assert.Equal(Failed, await browser.CallbackAsync(callback));
        Assert.Equal(Failed, await browser.CallbackAsync(await browser.AtProviderAsync(address)));
        Assert.Single(platform.SignIns);
    }

    [Fact]
    public async Task Of_many_callbacks_at_once_one_signs_in()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var callback = await browser.AtProviderAsync(await browser.BeginAsync("google"));
        var cookie = browser.Cookies.Single();

        var ends = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            using var same = platform.NewBrowser();
            same.Cookies[cookie.Key] = cookie.Value;
            return await same.CallbackAsync(callback);
        }));

        Assert.Single(ends, end => end.EndsWith("/#/home", StringComparison.Ordinal));
        Assert.Single(platform.SignIns);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_stolen_or_planted_state_is_refused_in_another_browser(string provider)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        using var other = platform.NewBrowser();
        var callback = await browser.AtProviderAsync(await browser.BeginAsync(provider));

        Assert.Equal(Failed, await other.CallbackAsync(callback));
        await other.BeginAsync(provider);
        Assert.Equal(Failed, await other.CallbackAsync(callback));
        other.Cookies[browser.Cookies.Single().Key] = "guessed";
        Assert.Equal(Failed, await other.CallbackAsync(callback));

        Assert.Empty(platform.SignIns);
        Assert.DoesNotContain("s_access", other.Cookies.Keys);
        // Who has only read the state could not disturb the one who began.
        Assert.EndsWith("/#/home", await browser.CallbackAsync(callback), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_state_is_for_its_provider()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var callback = await browser.AtProviderAsync(await browser.BeginAsync("google"));

        Assert.Equal(Failed, await browser.CallbackAsync(callback.Replace("/google/", "/kakao/", StringComparison.Ordinal)));
        Assert.Empty(platform.Provider.Calls);
    }

    [Fact]
    public async Task A_state_ends_after_ten_minutes()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var callback = await browser.AtProviderAsync(await browser.BeginAsync("google"));

        platform.Auth.Time.Advance(TimeSpan.FromSeconds(600));

        Assert.Equal(Failed, await browser.CallbackAsync(callback));
    }

    [Theory]
    [InlineData(AuthorizeFault.Denied, "denied")]
    [InlineData(AuthorizeFault.WrongState, "state_unknown")]
    [InlineData(AuthorizeFault.NoState, "state_missing")]
    [InlineData(AuthorizeFault.RepeatedState, "parameter_repeated")]
    [InlineData(AuthorizeFault.WrongIssuer, "issuer_mismatch")]
    [InlineData(AuthorizeFault.NoCode, "code_missing")]
    public async Task A_wrong_answer_of_the_authorize_page_is_refused(AuthorizeFault fault, string reason)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Authorize = fault };
        foreach (var provider in OAuthPlatform.Providers)
        {
            using var browser = platform.NewBrowser();

            Assert.Equal(Failed, await browser.SignInAsync(provider));

            Assert.Contains(platform.Auth.Dapr.Logs.Entries, line => line.Message.Contains($"by {provider} failed: {reason}", StringComparison.Ordinal));
        }

        Assert.Empty(platform.Provider.Calls);
        Assert.Empty(platform.SignIns);
    }

    [Fact]
    public async Task A_code_of_another_flow_is_refused_by_the_verifier()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var attacker = platform.NewBrowser();
        using var browser = platform.NewBrowser();
        var stolen = await attacker.AtProviderAsync(await attacker.BeginAsync("google"));
        var own = await browser.AtProviderAsync(await browser.BeginAsync("google"));
        static string Code(string callback) => Browser.QueryOf(new Uri($"http://x{callback}"))["code"];

        Assert.Equal(Failed, await browser.CallbackAsync(own.Replace(Code(own), Code(stolen), StringComparison.Ordinal)));
        Assert.Empty(platform.SignIns);
    }

    [Fact]
    public async Task A_configured_redirect_is_kept_to_the_end()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var redirect = $"{OAuthPlatform.Frontend}/back";
        var address = await browser.BeginAsync("google", $"?redirect_uri={Uri.EscapeDataString(redirect)}");
        var callback = (await browser.AtProviderAsync(address)).Replace("/back", "/api/v1/auth/google/callback", StringComparison.Ordinal);

        Assert.Equal(Failed, await browser.CallbackAsync($"{callback}&redirect_uri={Uri.EscapeDataString("https://evil.example/back")}"));

        callback = (await browser.AtProviderAsync(await browser.BeginAsync("google", $"?redirect_uri={Uri.EscapeDataString(redirect)}")))
            .Replace("/back", "/api/v1/auth/google/callback", StringComparison.Ordinal);
        Assert.EndsWith("/#/home", await browser.CallbackAsync($"{callback}&redirect_uri={Uri.EscapeDataString(redirect)}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_that_are_configured_get_their_people_back()
    {
        await using var platform = await OAuthPlatform.StartAsync(("OAuth:FrontendOrigins:1", "https://two.example.org"));
        using var browser = platform.NewBrowser();

        Assert.Equal("https://two.example.org/#/home", await browser.SignInAsync("google", "?frontend_origin=https%3A%2F%2Ftwo.example.org"));
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Token = AnswerFault.Error };
        Assert.Equal("https://two.example.org/#/login?error=oauth_failed", await browser.SignInAsync("google", "?frontend_origin=https%3A%2F%2Ftwo.example.org"));
        Assert.Equal($"{OAuthPlatform.Public}/#/login?error=oauth_failed", await browser.SignInAsync("google", $"?frontend_origin={Uri.EscapeDataString(OAuthPlatform.Public)}"));
    }
}
