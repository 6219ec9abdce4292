using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Auth.Tests.Sessions;

public sealed class MySessionsTests
{
    [Fact]
    public async Task Lists_my_devices_and_marks_this_one()
    {
        await using var platform = await AuthPlatform.StartAsync();
        await platform.SignInAsync(agent: "phone");
        var here = await platform.SignInAsync(agent: "desk");
        await platform.SignInAsync("user-2", agent: "theirs");
        using var client = platform.Gateway("user-1");
        client.DefaultRequestHeaders.Add("X-User-Session", platform.Read(here.RefreshToken).Sid);

        var answer = await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/sessions", AuthPlatform.Cancel);

        Assert.Equal([("desk", true), ("phone", false)], answer.GetProperty("sessions").EnumerateArray()
            .Select(session => (session.GetProperty("device").GetProperty("user_agent").GetString(), session.GetProperty("current").GetBoolean())));
    }

    [Fact]
    public async Task Ends_one_of_them()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var (lost, here) = (await platform.SignInAsync(), await platform.SignInAsync());
        using var client = platform.Gateway("user-1");

        using var response = await client.DeleteAsync($"/api/v1/auth/sessions/{platform.Read(lost.RefreshToken).Sid}", AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        await platform.RefusedAsync(lost.RefreshToken);
        Assert.NotNull(await platform.RevocationAsync(platform.Read(lost.RefreshToken).Sid));
        await platform.RefreshedAsync(here.RefreshToken);
    }

    [Fact]
    public async Task Sessions_of_others_and_guessed_ones_look_the_same()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var theirs = await platform.SignInAsync("user-2");
        using var client = platform.Gateway("user-1");

        foreach (var id in (string[])[platform.Read(theirs.RefreshToken).Sid, Guid.NewGuid().ToString("N"), "keys", "user-2", "..%2Fkeys", "a||b"])
        {
            using var response = await client.DeleteAsync($"/api/v1/auth/sessions/{id}", AuthPlatform.Cancel);
            Assert.Equal((HttpStatusCode.NotFound, "SESSION_NOT_FOUND"), (response.StatusCode, await TestSession.CodeOf(response)));
        }

        await platform.RefreshedAsync(theirs.RefreshToken);
    }

    [Fact]
    public async Task One_session_too_many_ends_the_oldest()
    {
        await using var platform = await AuthPlatform.StartAsync(settings: ("Auth:MaxSessionsPerUser", "2"));
        var (one, two, three) = (await platform.SignInAsync(), await platform.SignInAsync(), await platform.SignInAsync());

        await platform.RefusedAsync(one.RefreshToken);
        Assert.Equal("too_many_sessions", (await platform.RevocationAsync(platform.Read(one.RefreshToken).Sid))?.Reason);
        await platform.RefreshedAsync(two.RefreshToken);
        await platform.RefreshedAsync(three.RefreshToken);
        Assert.Equal(2, (await platform.SessionsAsync()).Count);
    }

    [Fact]
    public async Task A_session_that_is_refreshed_outlives_its_first_end_in_the_list()
    {
        await using var platform = await AuthPlatform.StartAsync(settings: ("Auth:RefreshLifetime", "04:00:00"));
        var tokens = await platform.SignInAsync();
        platform.Time.Advance(TimeSpan.FromHours(3));
        tokens = await platform.RefreshedAsync(tokens.RefreshToken);
        platform.Time.Advance(TimeSpan.FromHours(3));
        await platform.SignInAsync();

        Assert.Equal(2, (await platform.SessionsAsync()).Count);
        platform.Time.Advance(TimeSpan.FromHours(2));
        await platform.SignInAsync();
        Assert.Equal(2, (await platform.SessionsAsync()).Count);
        await platform.RefusedAsync(tokens.RefreshToken, "TOKEN_EXPIRED");
    }

    [Fact]
    public async Task A_sign_in_never_takes_over_a_session_that_the_browser_brings()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var planted = await platform.SignInAsync("attacker");
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Cookie", $"s_access={planted.AccessToken}; s_refresh={planted.RefreshToken}");

        using var response = await client.PostAsync("/api/v1/auth/guest", null, AuthPlatform.Cancel);

        var user = (await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel)).GetProperty("user_id").GetString()!;
        Assert.NotEqual(platform.Read(planted.RefreshToken).Sid, Assert.Single(await platform.SessionsAsync(user)).Id);
        Assert.Equal(2, response.Headers.GetValues("Set-Cookie").Count());
    }

    [Fact]
    public async Task Tells_which_ways_of_signing_in_are_on()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var client = platform.Gateway();

        var answer = await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/methods", AuthPlatform.Cancel);

        Assert.Contains(answer.GetProperty("methods").EnumerateArray(), method =>
            method.GetProperty("name").GetString() == "guest" && method.GetProperty("kind").GetString() == "guest");
    }
}
