using Contracts.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using Users.Erasures;

namespace Users.Features;

/// <summary><c>GET /api/v1/users/erasures</c>: what is pending, oldest first, and <c>…/{user id}</c>: one with its receipt. For admins.</summary>
internal static class ListErasures
{
    private const int MaxLimit = 100;

    public sealed record Response(IReadOnlyList<Erasure> Erasures, int Total, int Overdue);

    public static void MapListErasures(this IEndpointRouteBuilder users)
    {
        users.MapGet("/erasures", ListAsync).WithName(nameof(ListErasures)).WithSummary("Erasures of accounts, newest first").Answers(400, "LIMIT_OUT_OF_RANGE").RequireRole(Roles.Admin);
        users.MapGet("/erasures/{userId}", GetAsync).WithName("GetErasure").WithSummary("How far the erasure of an account is").Answers(404, "ERASURE_NOT_FOUND").RequireRole(Roles.Admin);
    }

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> ListAsync(
        ErasureStore erasures, TimeProvider time, IOptions<UsersOptions> options, CancellationToken cancellationToken, int limit = 50, int offset = 0)
    {
        if (limit is < 1 or > MaxLimit || offset < 0)
        {
            return Problems.Of(400, "LIMIT_OUT_OF_RANGE", $"limit is 1 to {MaxLimit}, offset at least 0");
        }

        var pending = await erasures.ListPendingAsync(cancellationToken);
        var limitOfAge = time.GetUtcNow() - options.Value.ErasureOverdue;
        return TypedResults.Ok(new Response(
            [.. pending.Skip(offset).Take(limit)], pending.Count, pending.Count(erasure => erasure.RequestedAt < limitOfAge)));
    }

    private static async Task<Results<Ok<Erasure>, ProblemHttpResult>> GetAsync(string userId, ErasureStore erasures, CancellationToken cancellationToken) =>
        await erasures.FindAsync(userId, cancellationToken) is { } erasure
            ? TypedResults.Ok(erasure)
            : Problems.Of(404, "ERASURE_NOT_FOUND", "there is no erasure of this user, or its receipt is no longer kept");
}
