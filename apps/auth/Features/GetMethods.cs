using Auth.Sessions;

namespace Auth.Features;

/// <summary><c>GET /api/v1/auth/methods</c>: the ways of signing in that are on, for a page to offer.</summary>
internal static class GetMethods
{
    public sealed record Response(IReadOnlyList<SignInMethod> Methods);

    public static void MapGetMethods(this IEndpointRouteBuilder auth) =>
        auth.MapGet("/methods", (IEnumerable<ISignInMethods> methods) => new Response([.. methods.SelectMany(one => one.Available)])).WithName(nameof(GetMethods));
}
