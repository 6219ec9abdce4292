using Auth.Sessions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary><c>POST /api/v1/auth/guest</c>: gives anyone an identity. For Development; elsewhere the path does not exist.</summary>
internal static class GuestLogin
{
    public sealed record Response(string UserId, string AccessToken, DateTimeOffset ExpiresAt);

    public static void MapGuestLogin(this IEndpointRouteBuilder auth) => auth.MapPost("/guest", HandleAsync).WithName(nameof(GuestLogin)).Answers(404, "NOT_FOUND");

    /// <summary>Whether the login is on; stops the start when it is asked for in Production.</summary>
    public static bool IsOn(AuthOptions options, IHostEnvironment environment) => options.GuestLogin switch
    {
        true when environment.IsProduction() => throw new InvalidOperationException(
            $"{AuthOptions.Section}:{nameof(AuthOptions.GuestLogin)} is on: guests would get an identity without signing in. It is for Development."),
        { } on => on,
        null => environment.IsDevelopment(),
    };

    /// <summary>Not idempotent: every call makes a new guest, who has no account before something is stored for it.</summary>
    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        HttpContext http, SessionService sessions, IdentityCookies cookies, IOptions<AuthOptions> options, IHostEnvironment environment, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (!IsOn(options.Value, environment))
        {
            return Problems.Of(404, "NOT_FOUND", "There is no guest login here");
        }

        var userId = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        var pair = await sessions.StartAsync(new SignIn(userId, "guest", Device.Of(http.Request)), cancellationToken);
        cookies.Append(http.Response, pair);
        return TypedResults.Ok(new Response(userId, pair.AccessToken, pair.AccessExpiresAt));
    }
}

/// <summary>Offers it.</summary>
internal sealed class GuestMethod(IOptions<AuthOptions> options, IHostEnvironment environment) : ISignInMethods
{
    public IEnumerable<SignInMethod> Available => GuestLogin.IsOn(options.Value, environment) ? [new SignInMethod("guest", SignInKinds.Guest)] : [];
}
