using System.ComponentModel.DataAnnotations;
using System.Text.Json;
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

    /// <summary>What may be changed. Everything else is refused by name, so that nobody believes to have changed it.</summary>
    public sealed record Change([StringLength(120, MinimumLength = 1)] string? Nickname, [StringLength(20, MinimumLength = 10)] string? PhoneNumber)
    {
        [JsonExtensionData]
        public IDictionary<string, JsonElement>? Others { get; init; }
    }

    public static void MapMe(this IEndpointRouteBuilder users)
    {
        users.MapGet("/me", GetAsync).WithName("GetMe").WithSummary("My profile").Answers(404, "USER_NOT_FOUND");
        users.MapPatch("/me", PatchAsync).WithName("PatchMe").WithSummary("Changes my profile")
            .Answers(404, "USER_NOT_FOUND").Answers(422, "MEMBER_NOT_CHANGEABLE", "NO_CHANGES_PROVIDED", "INVALID_PHONE_NUMBER");
    }

    private static async Task<Results<Ok<Profile>, ProblemHttpResult>> GetAsync(UserIdentity user, AccountStore accounts, CancellationToken cancellationToken) =>
        await accounts.FindAsync(user, cancellationToken) is { } account ? TypedResults.Ok(ToProfile(account, user.Provider)) : NotFound();

    private static async Task<Results<Ok<Profile>, ProblemHttpResult>> PatchAsync(
        Change change, UserIdentity user, AccountStore accounts, CancellationToken cancellationToken)
    {
        if (change.Others?.Keys.FirstOrDefault() is { } other)
        {
            return Problems.Of(422, "MEMBER_NOT_CHANGEABLE", $"only nickname and phone_number can be changed, not {other}");
        }

        if (change is { Nickname: null, PhoneNumber: null })
        {
            return Problems.Of(422, "NO_CHANGES_PROVIDED", "give nickname or phone_number");
        }

        var phone = change.PhoneNumber is null ? null : PhoneNumber.Normalize(change.PhoneNumber);
        if (change.PhoneNumber is not null && phone is null)
        {
            return Problems.Of(422, "INVALID_PHONE_NUMBER", "phone_number is not a Korean mobile number");
        }

        if (await accounts.FindAsync(user, cancellationToken) is null)
        {
            return NotFound();
        }

        var account = await accounts.UpdateAsync(
            user.Id,
            stored => stored with { Nickname = change.Nickname ?? stored.Nickname, PhoneNumber = phone ?? stored.PhoneNumber },
            cancellationToken);
        return account.DeletedAt is null ? TypedResults.Ok(ToProfile(account, user.Provider)) : NotFound();
    }

    internal static ProblemHttpResult NotFound() => Problems.Of(404, "USER_NOT_FOUND", "there is no such account (any more)");

    /// <summary>Of the way by which the caller has signed in, else of the one used last. Guests come without a sign-in that anybody keeps.</summary>
    internal static Profile ToProfile(Account account, string provider)
    {
        var shown = account.Shown(provider);
        return new(account.DisplayName, account.Nickname, account.PhoneNumber, shown?.Provider ?? provider, shown?.LastLoginAt);
    }
}
