using System.Net.Http.Json;
using Auth.Sessions;
using Contracts;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Tests.Sessions;

/// <summary>What a client without cookies holds.</summary>
internal sealed record Tokens(string AccessToken, string RefreshToken);

/// <summary>Steps of the tests about sessions.</summary>
internal static class TestSession
{
    public static TokenClaims Read(this AuthPlatform platform, string refreshToken)
    {
        var verifier = platform.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.Verify(refreshToken, TokenTypes.Refresh, TokenTypes.RefreshAudience, out var claims));
        return claims!;
    }

    public static async Task<Tokens> SignInAsync(this AuthPlatform platform, string user = "user-1", string? agent = null)
    {
        var pair = await platform.App.Services.GetRequiredService<SessionService>()
            .StartAsync(new SignIn(user, "guest", new Device(null, agent, null)), AuthPlatform.Cancel);
        return new Tokens(pair.AccessToken, pair.RefreshToken);
    }

    public static async Task<HttpResponseMessage> RefreshAsync(this AuthPlatform platform, string token)
    {
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("X-Refresh-Token", $"Bearer {token}");
        return await client.PostAsync("/api/v1/auth/refresh", null, AuthPlatform.Cancel);
    }

    public static async Task<Tokens> RefreshedAsync(this AuthPlatform platform, string token)
    {
        using var response = await platform.RefreshAsync(token);
        Assert.Equal(System.Net.HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<Tokens>(TandemJson.Options, AuthPlatform.Cancel))!;
    }

    public static async Task RefusedAsync(this AuthPlatform platform, string token, string code = "TOKEN_REVOKED")
    {
        using var response = await platform.RefreshAsync(token);
        Assert.Equal((System.Net.HttpStatusCode.Unauthorized, code), (response.StatusCode, await CodeOf(response)));
    }

    public static async Task<string?> CodeOf(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(AuthPlatform.Cancel)).GetProperty("code").GetString();

    /// <summary>The stored revocation of a session or token: what every verifier reads.</summary>
    public static async Task<Revocation?> RevocationAsync(this AuthPlatform platform, string id)
    {
        var now = RevocationKeys.HourOf(platform.Time.GetUtcNow());
        for (var hour = now; hour <= now + 5; hour++)
        {
            var document = await platform.Sidecar.GetStateAsync<RevocationDocument>(
                Components.Revocations, RevocationKeys.Of(hour, RevocationKeys.PartOf(id)), TandemJson.Options, AuthPlatform.Cancel);
            if (document?.Revocations.FirstOrDefault(revocation => revocation.Id == id) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    public static async Task<IReadOnlyList<Session>> SessionsAsync(this AuthPlatform platform, string user = "user-1") =>
        await platform.App.Services.GetRequiredService<SessionService>().ListAsync(user, AuthPlatform.Cancel);
}
