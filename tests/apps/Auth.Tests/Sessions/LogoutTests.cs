using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Auth.Sessions;
using Microsoft.Extensions.DependencyInjection;

namespace Auth.Tests.Sessions;

public sealed class LogoutTests
{
    [Fact]
    public async Task Ends_the_session_and_clears_the_cookies()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var (mine, other) = (await platform.SignInAsync(), await platform.SignInAsync());
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Cookie", $"s_access={mine.AccessToken}; s_refresh={mine.RefreshToken}");

        using var response = await client.PostAsync("/api/v1/auth/logout", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        Assert.True(answer.GetProperty("success").GetBoolean());
        Assert.Equal("Successfully logged out", answer.GetProperty("data").GetProperty("message").GetString());
        Assert.Equal(2, response.Headers.GetValues("Set-Cookie").Count());
        await platform.RefusedAsync(mine.RefreshToken);
        Assert.Equal("logout", (await platform.RevocationAsync(platform.Read(mine.RefreshToken).Sid))?.Reason);
        await platform.RefreshedAsync(other.RefreshToken);
    }

    [Theory]
    [InlineData("Authorization", true)]
    [InlineData("Authorization", false)]
    [InlineData("X-Refresh-Token", true)]
    public async Task Either_token_is_enough(string header, bool refresh)
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add(header, $"Bearer {(refresh ? tokens.RefreshToken : tokens.AccessToken)}");

        using var response = await client.PostAsync("/api/v1/auth/logout", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await platform.RefusedAsync(tokens.RefreshToken);
    }

    [Fact]
    public async Task Invalid_tokens_are_ignored()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Authorization", "Bearer nonsense");
        client.DefaultRequestHeaders.Add("Cookie", "s_access=a; s_refresh=b");

        using var response = await client.PostAsync("/api/v1/auth/logout", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Everywhere_ends_every_session_of_the_person_alone()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var (one, two, other) = (await platform.SignInAsync(), await platform.SignInAsync(), await platform.SignInAsync("user-2"));
        using var client = platform.Gateway("user-1");

        using var response = await client.PostAsync("/api/v1/auth/logout/all", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await platform.RefusedAsync(one.RefreshToken);
        await platform.RefusedAsync(two.RefreshToken);
        Assert.Equal("logout_everywhere", (await platform.RevocationAsync(platform.Read(two.RefreshToken).Sid))?.Reason);
        await platform.RefreshedAsync(other.RefreshToken);
    }

    [Fact]
    public async Task Everywhere_needs_somebody()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var client = platform.Gateway();

        using var response = await client.PostAsync("/api/v1/auth/logout/all", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Erasing_a_person_leaves_no_session_and_no_device()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync(agent: "phone");
        var data = platform.App.Services.GetRequiredService<IEnumerable<IUserData>>().OfType<SessionData>().Single();

        await data.EraseAsync("user-1", AuthPlatform.Cancel);
        await data.EraseAsync("user-1", AuthPlatform.Cancel);

        await platform.RefusedAsync(tokens.RefreshToken);
        var session = platform.Read(tokens.RefreshToken).Sid;
        Assert.Equal("user_deleted", (await platform.RevocationAsync(session))?.Reason);
        var left = await platform.Sidecar.GetStateAsync<JsonElement>(Contracts.Components.StateStore, $"session:{session}", cancellationToken: AuthPlatform.Cancel);
        Assert.DoesNotContain("phone", left.GetRawText(), StringComparison.Ordinal);
    }
}
