using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Features;

/// <summary><c>POST /api/v1/auth/guest</c>: gives anyone an identity. For Development; elsewhere the path does not exist.</summary>
internal static class GuestLogin
{
    public sealed record Response(string UserId, string AccessToken, DateTimeOffset ExpiresAt);

    public static void MapGuestLogin(this IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/auth/guest", HandleAsync);

    /// <summary>Whether the login is on; stops the start when it is asked for in Production.</summary>
    public static bool IsOn(GatewayOptions options, IHostEnvironment environment) => options.GuestLogin switch
    {
        true when environment.IsProduction() => throw new InvalidOperationException(
            $"{GatewayOptions.Section}:{nameof(GatewayOptions.GuestLogin)} is on: guests would get an identity without signing in. It is for Development."),
        { } on => on,
        null => environment.IsDevelopment(),
    };

    /// <summary>Not idempotent: every call makes a new guest, and nothing is stored.</summary>
    private static Task HandleAsync(
        HttpContext context, IdentityTokens tokens, IOptions<GatewayOptions> options, IHostEnvironment environment, TimeProvider time)
    {
        if (!IsOn(options.Value, environment))
        {
            return Problems.WriteAsync(context, StatusCodes.Status404NotFound, "NOT_FOUND", "There is no guest login here");
        }

        var userId = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        var expires = time.GetUtcNow() + options.Value.GuestLifetime;
        var token = tokens.Issue(userId, options.Value.GuestLifetime);
        context.Response.Cookies.Append(IdentityTokens.CookieName, token, new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = !environment.IsDevelopment(),
            Path = "/",
            Expires = expires,
        });
        return context.Response.WriteAsJsonAsync(new Response(userId, token, expires), TandemJson.Options, context.RequestAborted);
    }
}
