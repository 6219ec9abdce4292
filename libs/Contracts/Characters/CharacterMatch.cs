namespace Contracts.Characters;

/// <summary>A character of the catalogue.</summary>
/// <param name="Id">UUIDv5 of the code.</param>
/// <param name="Code">e.g. <c>char-petty</c>.</param>
/// <param name="Name">Shown name.</param>
/// <param name="Type">What it covers.</param>
/// <param name="Dialog">Line it says.</param>
/// <param name="Match">Middle category that it matches, null for none.</param>
public sealed record CharacterInfo(Guid Id, string Code, string Name, string Type, string Dialog, string? Match);

/// <summary>
/// Query to characters, <c>POST /internal/characters/match</c> by service invocation: judges a reward from the local
/// catalogue and the user's own document; changes nothing, so it may be repeated.
/// </summary>
/// <param name="UserId">User.</param>
/// <param name="MajorCategory">From the classification.</param>
/// <param name="MiddleCategory">The label that is matched.</param>
/// <param name="MinorCategory">For the reason shown.</param>
/// <param name="DisposalRulesPresent">Whether rules were found.</param>
/// <param name="InsufficienciesPresent">Whether anything was not done well.</param>
public sealed record MatchCharacter(
    string UserId, string MajorCategory, string MiddleCategory, string? MinorCategory, bool DisposalRulesPresent, bool InsufficienciesPresent);

/// <summary>Answer to <see cref="MatchCharacter"/>.</summary>
/// <param name="Received">Whether a reward is due (also when the character is owned already; then only points are new).</param>
/// <param name="AlreadyOwned">Whether the user has the character.</param>
/// <param name="Character">The character, null when none is due.</param>
/// <param name="Reason"><c>middle&gt;minor</c>, or why not.</param>
public sealed record CharacterMatched(bool Received, bool AlreadyOwned, CharacterInfo? Character, string Reason);
