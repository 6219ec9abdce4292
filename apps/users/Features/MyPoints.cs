using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary>
/// <c>GET /api/v1/users/me/points?limit=50&amp;cursor=…</c>: the balance and the lines of the ledger, newest first. A cursor names the last line of the page before,
/// so lines that come meanwhile neither repeat nor skip any.
/// </summary>
internal static class MyPoints
{
    private const int MaxLimit = 200;

    public sealed record Response(int Points, IReadOnlyList<LedgerEntry> Entries, string? NextCursor);

    public static void MapMyPoints(this IEndpointRouteBuilder users) => users.MapGet("/me/points", HandleAsync).WithName(nameof(MyPoints))
        .Answers(400, "LIMIT_OUT_OF_RANGE", "INVALID_CURSOR").Answers(404, "USER_NOT_FOUND");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        UserIdentity user, AccountStore accounts, CancellationToken cancellationToken, string? cursor = null, int limit = 50)
    {
        if (limit is < 1 or > MaxLimit)
        {
            return Problems.Of(400, "LIMIT_OUT_OF_RANGE", $"limit is 1 to {MaxLimit}");
        }

        var after = Guid.Empty;
        if (cursor is not null && !Guid.TryParseExact(cursor, "N", out after))
        {
            return Problems.Of(400, "INVALID_CURSOR", "cursor is the next_cursor of the page before");
        }

        return await accounts.FindAsync(user, cancellationToken) is { } account ? TypedResults.Ok(Page(account, cursor is null ? null : after, limit)) : Me.NotFound();
    }

    /// <summary>After a line that is no longer kept there is nothing that is.</summary>
    internal static Response Page(Account account, Guid? after, int limit)
    {
        var rest = after is null ? account.Ledger : [.. account.Ledger.SkipWhile(entry => entry.Id != after).Skip(1)];
        LedgerEntry[] page = [.. rest.Take(limit)];
        return new Response(account.Points, page, rest.Count > limit ? page[^1].Id.ToString("N") : null);
    }
}
