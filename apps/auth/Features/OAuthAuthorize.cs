using Auth.OAuth;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary>
/// <c>GET /api/v1/auth/{provider}/authorize</c>, <c>/{provider}</c> and <c>/{provider}/login</c>: begin a sign-in with a provider. The browser gets a cookie
/// that the callback asks for, so the page has to make this request itself.
/// </summary>
internal static class OAuthAuthorize
{
    public sealed record Response(string AuthorizationUrl, string State);

    public sealed record LoginResponse(bool Success, LoginData Data);

    public sealed record LoginData(string Provider, string State, string AuthorizationUrl, DateTimeOffset ExpiresAt);

    public sealed class Request
    {
        /// <summary>Where the provider sends the browser back to, one of the configured addresses.</summary>
        [FromQuery(Name = "redirect_uri")]
        public string? RedirectUri { get; init; }

        /// <summary>Name of the device in the list of sessions.</summary>
        [FromQuery(Name = "device_id")]
        public string? DeviceId { get; init; }

        /// <summary>Where the person ends up, one of the configured origins. Wins over the header.</summary>
        [FromQuery(Name = "frontend_origin")]
        public string? FrontendOrigin { get; init; }

        /// <summary>Where the person ends up, one of the configured origins.</summary>
        [FromHeader(Name = OAuthAddresses.FrontendHeader)]
        public string? FrontendHeader { get; init; }
    }

    public static void MapOAuthAuthorize(this IEndpointRouteBuilder auth)
    {
        auth.MapGet("/{provider}/authorize", AuthorizeAsync).WithName(nameof(OAuthAuthorize)).WithSummary("Where to send a browser that signs in")
            .Answers(400, "INVALID_REDIRECT_URI", "INVALID_FRONTEND_ORIGIN", "INVALID_STATE").Answers(404, "PROVIDER_NOT_AVAILABLE");
        auth.MapGet("/{provider}", LoginAsync).WithName("OAuthLogin").WithSummary("Where to send a browser that signs in")
            .Answers(400, "INVALID_REDIRECT_URI", "INVALID_FRONTEND_ORIGIN", "INVALID_STATE").Answers(404, "PROVIDER_NOT_AVAILABLE");
        auth.MapGet("/{provider}/login", LoginAsync).WithName("OAuthLoginAlias").WithSummary("Where to send a browser that signs in")
            .Answers(400, "INVALID_REDIRECT_URI", "INVALID_FRONTEND_ORIGIN", "INVALID_STATE").Answers(404, "PROVIDER_NOT_AVAILABLE");
    }

    /// <summary>What a path of a provider that is off answers.</summary>
    public static ProblemHttpResult Off() => Problems.Of(404, "PROVIDER_NOT_AVAILABLE", "Nobody can sign in with that provider here; GET /api/v1/auth/methods lists the ways there are");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> AuthorizeAsync(
        string provider, [AsParameters] Request request, string? state, HttpContext http, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        var (begun, problem) = await BeginAsync(provider, request, state, http, services, cancellationToken);
        return problem is not null ? problem : TypedResults.Ok(new Response(begun!.AuthorizationUrl, begun.State));
    }

    private static async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> LoginAsync(
        string provider, [AsParameters] Request request, HttpContext http, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        var (begun, problem) = await BeginAsync(provider, request, null, http, services, cancellationToken);
        return problem is not null
            ? problem
            : TypedResults.Ok(new LoginResponse(true, new LoginData(provider, begun!.State, begun.AuthorizationUrl, begun.ExpiresAt)));
    }

    private static async Task<(BegunLogin? Begun, ProblemHttpResult? Problem)> BeginAsync(
        string name, Request request, string? state, HttpContext http, Services services, CancellationToken cancellationToken)
    {
        if (!services.Options.Value.Enabled().TryGetValue(name, out var provider))
        {
            return (null, Off());
        }

        if (services.Addresses.Redirect(name, request.RedirectUri) is not { } redirect)
        {
            return (null, Problems.Of(400, "INVALID_REDIRECT_URI", "redirect_uri is not one of the configured ones"));
        }

        if (services.Addresses.Frontend(request.FrontendOrigin ?? request.FrontendHeader) is not { } frontend)
        {
            return (null, Problems.Of(400, "INVALID_FRONTEND_ORIGIN", "frontend_origin is not one of the configured ones"));
        }

        if (state is not null && !OAuthStates.IsAcceptable(state))
        {
            return (null, Problems.Of(400, "INVALID_STATE", "state has to be 32 to 256 random characters of base64url; leave it out to get one"));
        }

        if (await services.Login.BeginAsync(name, provider, redirect, frontend, request.DeviceId, state, cancellationToken) is not { } begun)
        {
            return (null, Problems.Of(400, "INVALID_STATE", "state was used before; leave it out to get one"));
        }

        http.Response.Headers.CacheControl = "no-store";
        services.Cookies.Append(http.Response, services.Cookies.NameOf(OAuthStates.CookieOf(begun.State)), begun.Browser, begun.ExpiresAt);
        return (begun, null);
    }

    public sealed record Services(OAuthLogin Login, OAuthAddresses Addresses, IdentityCookies Cookies, IOptions<OAuthOptions> Options);
}
