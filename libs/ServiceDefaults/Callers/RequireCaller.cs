using System.Security.Cryptography;
using System.Text;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace ServiceDefaults;

/// <summary>The apps that may call an endpoint by service invocation; none means the own sidecar alone.</summary>
public sealed record AllowedCallers(IReadOnlyList<string> AppIds);

/// <summary>The roles of which the signed-in user needs one.</summary>
internal sealed record AllowedRoles(IReadOnlyList<string> Roles);

/// <summary>Internal trust: who may call an endpoint.</summary>
public static class CallerExtensions
{
    /// <summary>
    /// The endpoint answers only to requests that carry the app token, which the sidecar adds, and name one of the apps as caller in
    /// <c>dapr-caller-app-id</c>, which the sidecar sets and clients cannot. Everybody else gets 403 CALLER_NOT_ALLOWED.
    /// </summary>
    public static TBuilder RequireCaller<TBuilder>(this TBuilder builder, params string[] appIds) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AllowedCallers(appIds));

    /// <summary>
    /// The endpoint answers only to users with one of the roles; to others 403 ROLE_REQUIRED, to nobody 401. It needs <see cref="RequireCaller"/> too: the roles
    /// are the gateway's word.
    /// </summary>
    public static TBuilder RequireRole<TBuilder>(this TBuilder builder, params string[] roles) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AllowedRoles(roles));

    /// <summary>The endpoint answers only to the own sidecar: input bindings and other callbacks.</summary>
    public static TBuilder RequireSidecar<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AllowedCallers([]));
}

/// <summary>Enforces <see cref="AllowedCallers"/>; topics and <c>/dapr/*</c> are for the own sidecar without saying so.</summary>
internal sealed class CallerMiddleware(RequestDelegate next, IConfiguration configuration, IHostEnvironment environment)
{
    private readonly byte[]? _token = configuration["APP_API_TOKEN"] is { Length: > 0 } token ? Encoding.UTF8.GetBytes(token) : null;

    public Task InvokeAsync(HttpContext http)
    {
        var metadata = http.GetEndpoint()?.Metadata;
        var allowed = metadata?.GetMetadata<AllowedCallers>()
            ?? (metadata?.GetMetadata<ITopicMetadata>() is not null || http.Request.Path.StartsWithSegments("/dapr") ? new AllowedCallers([]) : null);
        if (allowed is not null && !IsAllowed(http.Request, allowed))
        {
            return Problems.WriteAsync(http, 403, "CALLER_NOT_ALLOWED", "This route answers to other services of the platform only");
        }

        if (metadata?.GetMetadata<AllowedRoles>() is not { } roles || (allowed is not null && UserIdentity.RolesOf(http.Request).Intersect(roles.Roles).Any()))
        {
            return next(http);
        }

        return string.IsNullOrEmpty(http.Request.Headers[UserIdentity.Header])
            ? Problems.WriteAsync(http, 401, "UNAUTHORIZED", "Sign in first")
            : Problems.WriteAsync(http, 403, "ROLE_REQUIRED", $"This route is for people with the role {string.Join(" or ", roles.Roles)}");
    }

    private bool IsAllowed(HttpRequest request, AllowedCallers allowed)
    {
        // Without a token nobody can be told from anybody: tolerated in Development, when an app runs on its own.
        var hasToken = _token is null
            ? environment.IsDevelopment()
            : GivenToken(request) is { } given && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), _token);
        return hasToken && (allowed.AppIds.Count == 0 || (request.Headers["dapr-caller-app-id"] is [{ } caller, ..] && allowed.AppIds.Contains(caller)));
    }

    // Prometheus can send a bearer token but no header of another name.
    private static string? GivenToken(HttpRequest request) =>
        request.Headers["dapr-api-token"] is [{ } given, ..] ? given
        : request.Headers.Authorization is [{ } authorization, ..] && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization[7..]
        : null;
}
