using Characters.Catalogue;
using Contracts.Characters;

namespace Characters.Ownership;

/// <summary>The rule of rewards, without I/O.</summary>
public static class RewardJudge
{
    /// <summary>Judges a perfect sorting; an owned character is a reward too, shown as already owned.</summary>
    public static CharacterMatched Judge(MatchCharacter query, CharacterCatalogue catalogue, Owner owner, DateTimeOffset now, int maxRewardsPerDay)
    {
        if (!query.DisposalRulesPresent || query.InsufficienciesPresent)
        {
            return new CharacterMatched(false, false, null, "conditions not met");
        }

        if (owner.ErasedAt is not null)
        {
            return new CharacterMatched(false, false, null, "the account is deleted");
        }

        if (catalogue.Match(query.MiddleCategory) is not { } character)
        {
            return new CharacterMatched(false, false, null, "no middle category");
        }

        var alreadyOwned = owner.Owns(character.Code);
        if (owner.RewardsOn(now) >= maxRewardsPerDay)
        {
            return new CharacterMatched(false, alreadyOwned, null, "the daily number of rewards is reached");
        }

        var reason = query.MinorCategory is { Length: > 0 } minor ? $"{query.MiddleCategory}>{minor}" : query.MiddleCategory;
        return new CharacterMatched(true, alreadyOwned, character, reason);
    }
}
