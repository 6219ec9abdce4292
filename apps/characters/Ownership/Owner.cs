using Contracts.Scan;
using ServiceDefaults;

namespace Characters.Ownership;

/// <summary>A character somebody owns. <paramref name="Id"/> is UUIDv5 of user and code: one row per user and character, however often it is won.</summary>
public sealed record OwnedCharacter(Guid Id, string Code, DateTimeOffset AcquiredAt, string Source);

/// <summary>A recorded reward fact.</summary>
public sealed record RewardFact(Guid Id, Guid JobId, DateTimeOffset Ts);

/// <summary>What one user has won: the document <c>owner:{user}</c>.</summary>
public sealed record Owner(IReadOnlyList<OwnedCharacter> Characters, IReadOnlyList<RewardFact> Facts)
{
    /// <summary>Facts kept: far more than a message can be redelivered over, at the daily limit.</summary>
    public const int KeptFacts = 500;

    /// <summary>Nothing won yet.</summary>
    public static readonly Owner Empty = new([], []);

    /// <summary>When the person's data was erased. The rest is empty then: the document only keeps what comes late from bringing it back.</summary>
    public DateTimeOffset? ErasedAt { get; init; }

    /// <summary>Whether the character is owned.</summary>
    public bool Owns(string code) => Characters.Any(character => character.Code == code);

    /// <summary>Rewards of the Korean day of <paramref name="now"/>.</summary>
    public int RewardsOn(DateTimeOffset now) => Facts.Count(fact => KoreanDay.Of(fact.Ts) == KoreanDay.Of(now));

    /// <summary>Records a reward; the same instance when its fact is known or the person is gone.</summary>
    public Owner Record(ScanRewarded reward) => ErasedAt is not null || Facts.Any(fact => fact.Id == reward.Id) ? this : this with
    {
        Facts = [new RewardFact(reward.Id, reward.JobId, reward.Ts), .. Facts.Take(KeptFacts - 1)],
        Characters = Owns(reward.Character.Code)
            ? Characters
            : [.. Characters, new OwnedCharacter(OwnershipId(reward.UserId, reward.Character.Code), reward.Character.Code, reward.Ts, "scan")],
    };

    /// <summary>Grants a character for another reason than a scan; the same instance when it is owned or the person is gone.</summary>
    public Owner Grant(string userId, string code, string source, DateTimeOffset at) => ErasedAt is not null || Owns(code) ? this : this with
    {
        Characters = [.. Characters, new OwnedCharacter(OwnershipId(userId, code), code, at, source)],
    };

    /// <summary>UUIDv5 in the DNS namespace of <c>ownership:{user}:{code}</c>.</summary>
    public static Guid OwnershipId(string userId, string code) => Uuid5.Create(Uuid5.Dns, $"ownership:{userId}:{code}");
}
