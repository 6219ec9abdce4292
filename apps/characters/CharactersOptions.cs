using System.ComponentModel.DataAnnotations;
using Characters.Ownership;

namespace Characters;

/// <summary>Settings of characters.</summary>
public sealed class CharactersOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Characters";

    /// <summary>
    /// Most rewarded scans of a user within one day (Asia/Seoul); further ones complete without a reward. Rewards that are on
    /// their way are not counted yet, so a user with several open scans can exceed it by those. At most as many as facts are kept,
    /// because those are counted. Default 30.
    /// </summary>
    [Range(1, Owner.KeptFacts)]
    public int MaxRewardsPerDay { get; set; } = 30;

    /// <summary>How long a replica goes by a catalogue of which nobody has said that it has changed. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan CatalogueTtl { get; set; } = TimeSpan.FromSeconds(10);
}
