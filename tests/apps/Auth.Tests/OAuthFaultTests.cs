using System.Diagnostics.Metrics;
using Contracts;
using IdentityProviders;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Testing;

namespace Auth.Tests;

/// <summary>Providers, users and the store fail in every way: a sign-in ends well or with the page's error, soon, and nothing secret is written down.</summary>
public sealed class OAuthFaultTests
{
    private const string Failed = $"{OAuthPlatform.Frontend}/#/login?error=oauth_failed";

    /// <summary>Pauses between the tries at users that pass long before a try meets its limit.</summary>
    private static readonly (string Name, string Value)[] ShortPauses = [("Auth:UsersRetryDelay", "00:00:00.001"), ("Auth:UsersMaxRetryDelay", "00:00:00.010")];

    public static TheoryData<AnswerFault, string> BadAnswers => new()
    {
        { AnswerFault.Never, "timeout" },
        { AnswerFault.HalfAnswer, "timeout" },
        { AnswerFault.Status500, "failed" },
        { AnswerFault.MalformedJson, "failed" },
        { AnswerFault.WrongContentType, "failed" },
        { AnswerFault.HugeBody, "failed" },
        { AnswerFault.OtherShape, "failed" },
        { AnswerFault.Redirect, "failed" },
        { AnswerFault.BrokenConnection, "failed" },
        { AnswerFault.Error, "failed" },
    };

    [Theory]
    [MemberData(nameof(BadAnswers))]
    public async Task A_bad_answer_of_a_provider_ends_the_sign_in(AnswerFault fault, string reason)
    {
        (string Name, string Value)[] settings = reason == "timeout" ? [("OAuth:Timeout", "00:00:05")] : [];
        await using var platform = await OAuthPlatform.StartAsync(settings);
        foreach (var atToken in (bool[])[true, false])
        {
            var normal = platform.Provider.Behaviour with { Token = AnswerFault.None, Profile = AnswerFault.None };
            platform.Provider.Behaviour = atToken ? normal with { Token = fault } : normal with { Profile = fault };
            // At the same time: each may take as long as the limit.
            await Task.WhenAll(OAuthPlatform.Providers.Select(provider => SignInAsync(provider, atToken ? "token" : "profile")));
        }

        Assert.Empty(platform.SignIns);
        Assert.DoesNotContain(platform.Provider.Calls, call => call.Path == "/elsewhere");
        AssertNothingSecretIn(platform);

        async Task SignInAsync(string provider, string step)
        {
            using var browser = platform.NewBrowser();
            var code = $"by {provider} failed: {step}_{reason}";
            bool Says(string message) => message.Contains(code, StringComparison.Ordinal);

            // Before the profile comes a token, whose real answer has no more time than that which never comes.
            var triesLeft = (step, reason) == ("profile", "timeout") ? 5 : 1;
            do
            {
                Assert.Equal(Failed, await browser.SignInAsync(provider));
                Assert.Empty(browser.Cookies);
                triesLeft--;
            }
            while (triesLeft > 0 && !platform.Auth.Dapr.Logs.Entries.Any(line => Says(line.Message)));

            Assert.Contains(platform.Auth.Dapr.Logs.Entries, line => Says(line.Message));
        }
    }

    [Fact]
    public async Task A_token_that_no_header_can_carry_is_refused()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Token = AnswerFault.TokenWithLineBreak };
        using var browser = platform.NewBrowser();

        Assert.Equal(Failed, await browser.SignInAsync("google"));
        Assert.Single(platform.Provider.Calls);
    }

    [Fact]
    public async Task A_slow_provider_is_waited_for()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Token = AnswerFault.Slow, Profile = AnswerFault.Slow };
        using var browser = platform.NewBrowser();

        Assert.EndsWith("/#/home", await browser.SignInAsync("google"), StringComparison.Ordinal);
        AssertNothingSecretIn(platform);
    }

    [Fact]
    public async Task Users_is_asked_again_with_the_same_words()
    {
        await using var platform = await OAuthPlatform.StartAsync(ShortPauses);
        platform.UsersStatus = call => call <= 3 ? 503 : null;
        using var browser = platform.NewBrowser();

        Assert.EndsWith("/#/home", await PassTimeAsync(platform, browser.SignInAsync("google")), StringComparison.Ordinal);

        Assert.Equal(4, platform.SignIns.Count);
        Assert.Single(platform.SignIns.Distinct());
    }

    [Fact]
    public async Task Users_that_refuses_is_not_asked_again()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        platform.UsersStatus = _ => 422;
        using var browser = platform.NewBrowser();

        Assert.Equal(Failed, await browser.SignInAsync("google"));
        Assert.Single(platform.SignIns);
    }

    [Fact]
    public async Task After_five_failures_users_is_left_alone_for_thirty_seconds()
    {
        await using var platform = await OAuthPlatform.StartAsync(ShortPauses);
        platform.UsersStatus = call => call <= 5 ? 503 : null;
        using var browser = platform.NewBrowser();
        Assert.Equal(Failed, await PassTimeAsync(platform, browser.SignInAsync("google")));
        Assert.Equal(4, platform.SignIns.Count);
        Assert.Equal(Failed, await PassTimeAsync(platform, browser.SignInAsync("google")));
        Assert.Equal(5, platform.SignIns.Count);

        Assert.Equal(Failed, await browser.SignInAsync("google"));
        Assert.Equal(5, platform.SignIns.Count);

        platform.Auth.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.EndsWith("/#/home", await browser.SignInAsync("google"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oauth-state:")]
    [InlineData("session:")]
    [InlineData("audit:")]
    public async Task A_store_that_fails_ends_the_sign_in_and_the_next_try_goes_well(string prefix)
    {
        await using var platform = await OAuthPlatform.StartAsync();
        using var browser = platform.NewBrowser();
        var callback = await browser.AtProviderAsync(await browser.BeginAsync("google"));

        using (platform.Auth.Dapr.Faults.StateWrites(Components.StateStore).When(write => write.Writes.Any(one => one.Key.Contains(prefix, StringComparison.Ordinal))).Always().Fail())
        {
            Assert.Equal(Failed, await browser.CallbackAsync(callback));
        }

        Assert.DoesNotContain("s_access", browser.Cookies.Keys);
        Assert.EndsWith("/#/home", await browser.SignInAsync("google"), StringComparison.Ordinal);
        AssertNothingSecretIn(platform);
    }

    [Fact]
    public async Task Tries_are_counted_by_way_outcome_and_reason()
    {
        await using var platform = await OAuthPlatform.StartAsync();
        var meters = platform.Auth.App.Services.GetRequiredService<IMeterFactory>();
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, it) =>
            {
                if (instrument.Name == "auth.logins" && instrument.Meter.Scope == meters)
                {
                    it.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            lock (seen)
            {
                seen.Add(string.Join(' ', tags.ToArray().Select(tag => tag.Value)) + $" {value}");
            }
        });
        listener.Start();
        using var browser = platform.NewBrowser();

        await browser.SignInAsync("google");
        platform.Provider.Behaviour = platform.Provider.Behaviour with { Authorize = AuthorizeFault.Denied };
        await browser.SignInAsync("kakao");

        Assert.Equal(["google success none 1", "kakao failure denied 1"], seen);
    }

    [Theory]
    [InlineData("OAuth:FrontendOrigins:0", "https://app.example.org/")]
    [InlineData("OAuth:FrontendOrigins:0", "http://app.example.org")]
    [InlineData("OAuth:FrontendOrigins:0", "https://a@app.example.org")]
    [InlineData("OAuth:PublicUrl", "https://tandem.example.org/x")]
    [InlineData("OAuth:RedirectUris:0", "http://app.example.org/back")]
    [InlineData("OAuth:RedirectUris:0", "https://app.example.org/back#x")]
    [InlineData("OAuth:google:TokenUrl", "http://oauth2.example.org/token")]
    public async Task An_address_that_opens_a_hole_stops_the_start(string setting, string value)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => OAuthPlatform.StartAsync((setting, value)));

        Assert.Contains(value, failure.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The app's clock stands still: its pauses pass while somebody moves it.</summary>
    private static async Task<T> PassTimeAsync<T>(OAuthPlatform platform, Task<T> task)
    {
        while (await Task.WhenAny(task, Task.Delay(20, OAuthPlatform.Cancel)) != task)
        {
            platform.Auth.Time.Advance(TimeSpan.FromMilliseconds(10));
        }

        return await task;
    }

    private static void AssertNothingSecretIn(OAuthPlatform platform)
    {
        var log = string.Join('\n', platform.Auth.Dapr.Logs.Entries.Select(line => $"{line.Message}\n{line.Exception}"));
        Assert.NotEmpty(log);
        Assert.All((string[])[.. platform.Provider.Secrets, OAuthPlatform.Secret, "ann@example.org"], secret => Assert.DoesNotContain(secret, log, StringComparison.Ordinal));
        Assert.All(
            platform.Provider.Calls.Select(call => call.Form.GetValueOrDefault("code_verifier")).OfType<string>(),
            verifier => Assert.DoesNotContain(verifier, log, StringComparison.Ordinal));
    }
}
