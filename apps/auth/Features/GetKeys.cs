using Auth.Keys;
using Contracts;
using ServiceDefaults;

namespace Auth.Features;

/// <summary><c>GET /api/v1/auth/.well-known/jwks.json</c>: the keys that verify our tokens (RFC 7517), for everybody; <c>/internal/keys</c> for our apps.</summary>
internal static class GetKeys
{
    public static void MapGetKeys(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/auth/.well-known/jwks.json", (KeyRing keys, HttpResponse http) =>
        {
            http.Headers.CacheControl = "public, max-age=300";
            return TypedResults.Ok(keys.Public);
        }).RequireCaller(Apps.Gateway).WithName(nameof(GetKeys)).WithTags("Auth").WithSummary("The keys that verify our tokens (RFC 7517)");
        routes.MapGet("/internal/keys", (KeyRing keys) => TypedResults.Ok(keys.Public)).RequireCaller(Apps.Gateway, Apps.Images, Apps.Sse);
    }
}
