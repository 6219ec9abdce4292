using Auth.Audit;
using Auth.OAuth;
using Auth.Sessions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary>
/// <c>GET /api/v1/auth/{provider}/callback</c>: where a provider sends the browser back to. It ends at <c>{frontend}/#/home</c> with the cookies of a session, or at
/// <c>{frontend}/#/login?error=oauth_failed</c>; why is for log and audit alone. Not repeatable: state and code are used up.
/// </summary>
internal static partial class OAuthCallback
{
    public static void MapOAuthCallback(this IEndpointRouteBuilder auth) => auth.MapGet("/{provider}/callback", HandleAsync).WithName(nameof(OAuthCallback))
        .Produces(302).Answers(404, "PROVIDER_NOT_AVAILABLE");

    private static async Task<Results<RedirectHttpResult, ProblemHttpResult>> HandleAsync(
        string provider, HttpContext http, OAuthStates states, OAuthLogin login, OAuthAddresses addresses, LoginAudit audit, IdentityCookies cookies,
        IOptions<OAuthOptions> options, ILogger<AuthService> logger, CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled().TryGetValue(provider, out var known))
        {
            return OAuthAuthorize.Off();
        }

        http.Response.Headers.CacheControl = "no-store";
        // The address of this page holds a code.
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        var frontend = addresses.Frontend(http.Request.Headers[OAuthAddresses.FrontendHeader]) ?? addresses.DefaultFrontend;
        var device = Device.Of(http.Request);
        try
        {
            // 1. The state, once; from here on it is known where the person came from.
            var state = OAuthLogin.Single(http.Request.Query, "state");
            var begun = await states.ConsumeAsync(state, name => http.Request.Cookies[cookies.NameOf(name)], cancellationToken);
            (frontend, device) = (begun.FrontendOrigin, Device.Of(http.Request, begun.DeviceId));
            cookies.Delete(http.Response, cookies.NameOf(OAuthStates.CookieOf(state!)));

            // 2. Code, profile, account, session.
            var (userId, tokens) = await login.CompleteAsync(provider, known, http.Request.Query, begun, device, cancellationToken);

            // 3. Nothing fails after the cookies are set.
            await audit.RecordAsync(LoginOutcome.Success, provider, userId, device, null, cancellationToken);
            cookies.Append(http.Response, cookies.Access, tokens.AccessToken, tokens.AccessExpiresAt);
            cookies.Append(http.Response, cookies.Refresh, tokens.RefreshToken, tokens.RefreshExpiresAt);
            return TypedResults.Redirect($"{frontend}/#/home");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it was, a person looks at the answer: one page for all of it, which tells an attacker nothing.
            var failure = exception as OAuthFailure;
            if (failure is not { Detail: null })
            {
                LogFailed(logger, provider, failure?.Detail ?? exception.GetType().Name);
            }

            await audit.RecordAsync(LoginOutcome.Failure, provider, null, device, failure?.Reason ?? "unavailable", cancellationToken);
            return TypedResults.Redirect($"{frontend}/#/login?error=oauth_failed");
        }
    }

    [LoggerMessage(2022, LogLevel.Warning, "A sign-in with {Provider} could not be completed: {Detail}")]
    private static partial void LogFailed(ILogger logger, string provider, string detail);
}
