using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults.GuardedFetch;

/// <summary>Where to users may have something sent.</summary>
public sealed class GuardedPostOptions : GuardedTargetOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "GuardedPost";

    /// <summary>Longest wait for name and connection, TLS included in the total. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest time of the whole request. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
