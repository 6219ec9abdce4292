namespace Contracts.Characters;

/// <summary>
/// The character that everybody has: given when no other matches, and to who owns none yet. Users shows it before anybody has granted it, so its data
/// stands here, once, for the catalogue and for users alike, and cannot be changed in the catalogue.
/// </summary>
public static class DefaultCharacter
{
    /// <summary>Its code.</summary>
    public const string Code = "char-eco";

    /// <summary>All of it.</summary>
    public static CharacterInfo Info { get; } = new(
        new Guid("00000000-0000-0000-0000-000000000001"), Code, "이코", "대표 캐릭터",
        "안녕! 사진 한 장이면 버리는 법을 알려 줄게. 함께 친구들을 모아 보자!", Match: null);
}
