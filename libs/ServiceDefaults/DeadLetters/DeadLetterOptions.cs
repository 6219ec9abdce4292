using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults;

/// <summary>How dead letters are kept.</summary>
public sealed class DeadLetterOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "DeadLetters";

    /// <summary>Dead letters kept per topic; the oldest go first. Default 500.</summary>
    [Range(1, 10_000)]
    public int Kept { get; set; } = 500;

    /// <summary>How long one is kept. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);
}
