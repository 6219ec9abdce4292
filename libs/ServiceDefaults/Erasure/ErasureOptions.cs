using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults.Erasure;

/// <summary>What stays after a person's data is erased, section <c>Erasure</c>.</summary>
public sealed class ErasureOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Erasure";

    /// <summary>
    /// How long an app remembers that a user id was erased, so that nothing late brings data of it back. Default 90 days; longer than the 30 days
    /// after which no refresh token is valid and no dead letter is kept.
    /// </summary>
    [Range(typeof(TimeSpan), "31.00:00:00", "3650.00:00:00")]
    public TimeSpan TombstoneKept { get; set; } = TimeSpan.FromDays(90);
}
