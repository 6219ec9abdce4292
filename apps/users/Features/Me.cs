using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary><c>GET</c> and <c>PATCH /api/v1/users/me</c>: the caller's profile.</summary>
internal static class Me
{
    /// <summary>Its nulls are written: clients know these members.</summary>
    public sealed record Profile(
        string DisplayName,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Nickname,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? PhoneNumber,
        string Provider,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? LastLoginAt);

    public sealed record Change([StringLength(120, MinimumLength = 1)] string? Nickname, [StringLength(20, MinimumLength = 10)] string? PhoneNumber);

    public static void MapMe(this IEndpointRouteBuilder users)
    {
        users.MapGet("/me", GetAsync).WithName("GetMe");
        users.MapPatch("/me", PatchAsync).WithName("PatchMe");
        users.MapDelete("/me", () => Problems.Of(501, "NOT_IMPLEMENTED", "deleting an account is not available yet")).WithName("DeleteMe");
    }

    private static async Task<Ok<Profile>> GetAsync(UserIdentity user, AccountStore accounts, CancellationToken cancellationToken) =>
        TypedResults.Ok(ToProfile(await accounts.GetAsync(user.Id, cancellationToken)));

    private static async Task<Results<Ok<Profile>, ProblemHttpResult>> PatchAsync(
        Change change, UserIdentity user, AccountStore accounts, CancellationToken cancellationToken)
    {
        if (change is { Nickname: null, PhoneNumber: null })
        {
            return Problems.Of(422, "NO_CHANGES_PROVIDED", "give nickname or phone_number");
        }

        var phone = change.PhoneNumber is null ? null : PhoneNumber.Normalize(change.PhoneNumber);
        if (change.PhoneNumber is not null && phone is null)
        {
            return Problems.Of(422, "INVALID_PHONE_NUMBER", "phone_number is not a Korean mobile number");
        }

        var account = await accounts.UpdateAsync(
            user.Id,
            stored => stored with { Nickname = change.Nickname ?? stored.Nickname, PhoneNumber = phone ?? stored.PhoneNumber },
            cancellationToken);
        return TypedResults.Ok(ToProfile(account));
    }

    /// <summary>Guests are the only accounts so far; they come without a sign-in that anybody keeps.</summary>
    internal static Profile ToProfile(Account account) => new(account.DisplayName, account.Nickname, account.PhoneNumber, "guest", LastLoginAt: null);
}
