using Contracts.Users;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Erasures;

namespace Users.Features;

/// <summary>
/// <c>POST /internal/users/erasures/{user id}</c>: the calling app holds nothing of the person any more. Idempotent by user and app; an erasure that
/// is not known (any more) is nothing to wait for.
/// </summary>
internal static class ReportErasure
{
    public static void MapReportErasure(this IEndpointRouteBuilder routes, UsersOptions options) =>
        routes.MapPost("/internal/users/erasures/{userId}", HandleAsync).WithName(nameof(ReportErasure)).RequireCaller(options.Holders);

    private static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(
        string userId, UserErased report, HttpRequest request, ErasureService service, CancellationToken cancellationToken)
    {
        if (report.App != request.Headers["dapr-caller-app-id"].ToString())
        {
            return Problems.Of(422, "APP_MISMATCH", "an app reports for itself only");
        }

        await service.ReportAsync(userId, report.App, cancellationToken);
        return TypedResults.NoContent();
    }
}
