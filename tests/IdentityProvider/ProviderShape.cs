using System.Globalization;
using System.Text.Json.Nodes;

namespace IdentityProviders;

/// <summary>What is different between the providers.</summary>
/// <param name="Name">google, kakao or naver: also the first part of the paths.</param>
/// <param name="Issuer">What it says in <c>iss</c>; null: it says nothing.</param>
/// <param name="Pkce">Whether a code challenge is expected.</param>
/// <param name="TokenNeedsState">Whether the token request repeats the state.</param>
/// <param name="Profile">The profile of a person.</param>
public sealed record ProviderShape(string Name, string? Issuer, bool Pkce, bool TokenNeedsState, Func<Person, JsonObject> Profile)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProviderShape> All { get; } =
    [
        new("google", "https://accounts.google.com", Pkce: true, TokenNeedsState: false, person => Without(new JsonObject
        {
            ["sub"] = person.Id,
            ["name"] = $"{person.Nickname} Example",
            ["given_name"] = person.Nickname,
            ["family_name"] = "Example",
            ["picture"] = person.Picture,
            ["email"] = person.Email,
            ["email_verified"] = person.Email is null ? null : true,
        })),
        new("kakao", null, Pkce: true, TokenNeedsState: false, person => new JsonObject
        {
            ["id"] = long.Parse(person.Id, CultureInfo.InvariantCulture),
            ["connected_at"] = "2026-01-01T00:00:00Z",
            ["kakao_account"] = Without(new JsonObject
            {
                ["profile_nickname_needs_agreement"] = false,
                ["profile"] = Without(new JsonObject { ["nickname"] = person.Nickname, ["profile_image_url"] = person.Picture, ["is_default_image"] = false }),
                ["has_email"] = person.Email is not null,
                ["email"] = person.Email,
            }),
        }),
        new("naver", null, Pkce: false, TokenNeedsState: true, person => new JsonObject
        {
            ["resultcode"] = "00",
            ["message"] = "success",
            ["response"] = Without(new JsonObject { ["id"] = person.Id, ["email"] = person.Email, ["nickname"] = person.Nickname, ["profile_image"] = person.Picture }),
        }),
    ];

    private static JsonObject Without(JsonObject answer)
    {
        foreach (var name in answer.Where(member => member.Value is null).Select(member => member.Key).ToArray())
        {
            answer.Remove(name);
        }

        return answer;
    }
}
