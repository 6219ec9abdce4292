using System.Text.Json.Serialization;
using Contracts.Characters;
using Contracts.Scan;
using ServiceDefaults;

namespace Users.Accounts;

/// <summary>A character of a user. <paramref name="Id"/> is the character's id; there is one entry per code.</summary>
public sealed record UserCharacter(Guid Id, string Code, string Name, string Type, string Dialog, DateTimeOffset AcquiredAt);

/// <summary>A line of the points ledger; (source, source id) is unique.</summary>
public sealed record LedgerEntry(Guid Id, string Source, Guid SourceId, int Points, DateTimeOffset Ts);

/// <summary>What users keeps of one person: the document <c>user:{id}</c>.</summary>
public sealed partial record Account(
    string? Nickname, string? PhoneNumber, IReadOnlyList<UserCharacter> Characters, int Points, IReadOnlyList<LedgerEntry> Ledger)
{
    /// <summary>Ledger lines kept; <see cref="Points"/> is the sum of all there ever were.</summary>
    public const int KeptEntries = 1000;

    /// <summary>A person we know nothing of yet.</summary>
    public static readonly Account Empty = new(null, null, [], 0, []);

    /// <summary>The name shown: nickname, else the Korean word for user.</summary>
    [JsonIgnore]
    public string DisplayName => Nickname ?? "사용자";

    /// <summary>Adds a reward: its points once per job, its character once per code. The same instance when the job is known.</summary>
    public Account Record(ScanRewarded reward)
    {
        if (Ledger.Any(entry => entry.Source == "scan" && entry.SourceId == reward.JobId))
        {
            return this;
        }

        var entry = new LedgerEntry(Uuid5.Create(Uuid5.Dns, $"points:{reward.UserId}:scan:{reward.JobId}"), "scan", reward.JobId, reward.Points, reward.Ts);
        return this with
        {
            Points = Points + reward.Points,
            Ledger = [entry, .. Ledger.Take(KeptEntries - 1)],
            Characters = Characters.Any(owned => owned.Code == reward.Character.Code) ? Characters : [.. Characters, Own(reward.Character, reward.Ts)],
        };
    }

    /// <summary>Adds a character that was granted outside of a scan; the same instance when it is there.</summary>
    public Account Grant(CharacterInfo character, DateTimeOffset ts) =>
        Characters.Any(owned => owned.Code == character.Code) ? this : this with { Characters = [.. Characters, Own(character, ts)] };

    private static UserCharacter Own(CharacterInfo character, DateTimeOffset ts) =>
        new(character.Id, character.Code, character.Name, character.Type, character.Dialog, ts);
}
