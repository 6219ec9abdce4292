using System.ComponentModel.DataAnnotations;
using Auth.Sessions;
using Auth.UserRoles;
using Contracts.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>GET</c> and <c>PUT /api/v1/auth/users/{id}/roles</c>, for administrators. New roles hold at once: the person's access tokens are revoked one by
/// one, by token id, so that the sessions stay and their next refresh brings the new roles.
/// </summary>
internal static partial class ManageRoles
{
    public sealed record Request([Required] string[]? Roles);

    /// <param name="UserId">Whose.</param>
    /// <param name="Roles">All of them; everybody has <c>user</c>.</param>
    public sealed record Response(string UserId, IReadOnlyList<string> Roles);

    public static void MapRoles(this IEndpointRouteBuilder auth)
    {
        auth.MapGet("/users/{id}/roles", GetAsync).WithName("GetRoles").WithSummary("The roles of a person").Answers(404, "USER_NOT_FOUND").RequireRole(Roles.Admin);
        auth.MapPut("/users/{id}/roles", PutAsync).WithName("PutRoles").WithSummary("Gives a person other roles")
            .Answers(404, "USER_NOT_FOUND").Answers(409, "ADMINISTRATOR_BY_CONFIGURATION", "LAST_ADMINISTRATOR").Answers(422, "UNKNOWN_ROLE").RequireRole(Roles.Admin);
    }

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> GetAsync(string id, RoleStore roles, CancellationToken cancellationToken) =>
        Guid.TryParse(id, out var user) ? TypedResults.Ok(new Response(user.ToString(), await roles.GetAsync(user.ToString(), cancellationToken))) : Unknown();

    /// <summary>Idempotent. The roles are stored before tokens are revoked; a repetition revokes what is left.</summary>
    private static async Task<Results<Ok<Response>, ProblemHttpResult>> PutAsync(
        string id, Request request, UserIdentity caller, RoleStore roles, SessionService sessions, ILogger<RoleStore> logger, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(id, out var guid))
        {
            return Unknown();
        }

        if (request.Roles!.FirstOrDefault(role => !Roles.All.Contains(role)) is { } unknown)
        {
            return Problems.Of(422, "UNKNOWN_ROLE", $"There is no role '{unknown}'; there are {string.Join(", ", Roles.All)}");
        }

        // The caller's token may be older than the loss of the role, where its revocation has not arrived yet.
        if (!(await roles.GetAsync(caller.Id, cancellationToken)).Contains(Roles.Admin))
        {
            return Problems.Of(403, "ROLE_REQUIRED", $"This route is for people with the role {Roles.Admin}");
        }

        var user = guid.ToString();
        if (!request.Roles!.Contains(Roles.Admin) && await roles.IsConfiguredAsync(user, cancellationToken))
        {
            return Problems.Of(409, "ADMINISTRATOR_BY_CONFIGURATION", "The person is listed in Auth:Administrators; take it off that list first");
        }

        if (!await roles.SetAsync(user, request.Roles!, caller.Id, cancellationToken))
        {
            return Problems.Of(409, "LAST_ADMINISTRATOR", "Nobody else is administrator; make somebody one first");
        }

        await sessions.RevokeAccessAsync(user, EndReasons.RolesChanged, cancellationToken);
        var now = await roles.GetAsync(user, cancellationToken);
        LogChanged(logger, user, string.Join(',', now), caller.Id);
        return TypedResults.Ok(new Response(user, now));
    }

    private static ProblemHttpResult Unknown() => Problems.Of(404, "USER_NOT_FOUND", "There is no such user");

    [LoggerMessage(2030, LogLevel.Information, "User {UserId} has the roles {RoleNames}, given by {By}")]
    private static partial void LogChanged(ILogger logger, string userId, string roleNames, string by);
}
