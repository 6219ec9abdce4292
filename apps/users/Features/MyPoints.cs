using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary><c>GET /api/v1/users/me/points</c>: the balance and the latest lines of the ledger, newest first.</summary>
internal static class MyPoints
{
    private const int ShownEntries = 50;

    public sealed record Response(int Points, IReadOnlyList<LedgerEntry> Entries);

    public static void MapMyPoints(this IEndpointRouteBuilder users) => users.MapGet("/me/points", HandleAsync).WithName(nameof(MyPoints)).Answers(404, "USER_NOT_FOUND");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        UserIdentity user, AccountStore accounts, CancellationToken cancellationToken) =>
        await accounts.FindAsync(user, cancellationToken) is { } account
            ? TypedResults.Ok(new Response(account.Points, [.. account.Ledger.Take(ShownEntries)]))
            : Me.NotFound();
}
