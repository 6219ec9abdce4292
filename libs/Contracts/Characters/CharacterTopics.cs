namespace Contracts.Characters;

/// <summary>Topics about characters.</summary>
public static class CharacterTopics
{
    /// <summary><see cref="CharacterChanged"/> on component <see cref="Components.Broadcast"/>: a hint; the truth is the catalogue in the state of characters.</summary>
    public const string CharacterChanged = "character-changed";

    /// <summary><see cref="DefaultCharacterRequested"/> on component <see cref="Components.PubSub"/>, published by users, consumed by characters.</summary>
    public const string DefaultCharacterRequested = "default-character-requested";

    /// <summary><see cref="CharacterGranted"/> on component <see cref="Components.PubSub"/>, published by characters, consumed by users.</summary>
    public const string CharacterGranted = "character-granted";
}

/// <summary>The catalogue has another version.</summary>
/// <param name="Version">Which.</param>
/// <param name="Ts">When it was stored.</param>
public sealed record CharacterChanged(long Version, DateTimeOffset Ts);

/// <summary>Somebody without a character has looked at the own ones. Key: <see cref="UserId"/>; may be repeated.</summary>
/// <param name="Id">UUIDv5 of the user id and the topic.</param>
/// <param name="Ts">When.</param>
/// <param name="UserId">Who gets the default character.</param>
public sealed record DefaultCharacterRequested(Guid Id, DateTimeOffset Ts, string UserId);

/// <summary>A character was granted outside of a scan, and its ownership is recorded. Key: <see cref="Id"/>; published again with each repetition of its cause.</summary>
/// <param name="Id">Id of the ownership: UUIDv5 of user and code.</param>
/// <param name="Ts">When it was acquired.</param>
/// <param name="UserId">Whose.</param>
/// <param name="Character">Which.</param>
/// <param name="Source">Why: <c>default</c>.</param>
public sealed record CharacterGranted(Guid Id, DateTimeOffset Ts, string UserId, CharacterInfo Character, string Source);
