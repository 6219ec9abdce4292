using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;

namespace Auth.Tests;

public sealed class GuestLoginTests
{
    [Fact]
    public async Task A_guest_gets_cookies_and_a_token_that_verify()
    {
        await using var platform = await AuthPlatform.StartAsync();
        using var gateway = platform.Gateway();

        using var response = await gateway.PostAsync("/api/v1/auth/guest", null, AuthPlatform.Cancel);

        var guest = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        Assert.All(response.Headers.GetValues("Set-Cookie"), cookie =>
        {
            Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        });
        var verifier = platform.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(guest.GetProperty("access_token").GetString()!, out var identity));
        Assert.Equal(guest.GetProperty("user_id").GetString(), identity!.UserId);
        Assert.Equal("guest", identity.Provider);
    }

    [Fact]
    public async Task There_are_no_guests_outside_Development()
    {
        await using var platform = await AuthPlatform.StartAsync(settings: ("Auth:GuestLogin", "false"));
        using var gateway = platform.Gateway();

        using var response = await gateway.PostAsync("/api/v1/auth/guest", null, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
