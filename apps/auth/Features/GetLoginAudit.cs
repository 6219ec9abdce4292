using Auth.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary><c>GET /api/v1/auth/audit</c>: the caller's own sign-ins and failed tries, newest first.</summary>
internal static class GetLoginAudit
{
    public static void MapGetLoginAudit(this IEndpointRouteBuilder auth) => auth.MapGet("/audit", HandleAsync).WithName(nameof(GetLoginAudit));

    private static async Task<Ok<LoginHistory>> HandleAsync(UserIdentity user, LoginAudit audit, CancellationToken cancellationToken) =>
        TypedResults.Ok(new LoginHistory(await audit.GetAsync(user.Id, cancellationToken)));
}
