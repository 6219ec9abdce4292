using System.ComponentModel.DataAnnotations;

namespace Scan;

/// <summary>Settings of scan.</summary>
public sealed class ScanOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Scan";

    /// <summary>Hosts of our own picture addresses, <c>host</c> (any port) or <c>host:port</c>. Default localhost and 127.0.0.1.</summary>
    [MinLength(1)]
    public IList<string> ImageHosts { get; set; } = [];

    /// <summary>
    /// A job ends as failed after this time. Default 30 min: many times what a scan takes, and enough for a stage whose every attempt runs
    /// into its limit; not for several of them.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:05", "24:00:00")]
    public TimeSpan JobDeadline { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Most open jobs of one user; one more is 429. Default 5.</summary>
    [Range(1, 1000)]
    public int MaxOpenJobsPerUser { get; set; } = 5;

    /// <summary>Most open jobs in all; one more is 503. Default 2,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxOpenJobs { get; set; } = 2000;

    /// <summary>How many of a user's latest scans are listed. Default 100.</summary>
    [Range(1, 1000)]
    public int ListedScans { get; set; } = 100;

    /// <summary>
    /// How long scans that have left the list are remembered for an erasure. Default 25 h: as long as event-router keeps the log of a job, its
    /// deadline included.
    /// </summary>
    [Range(typeof(TimeSpan), "00:10:00", "31.00:00:00")]
    public TimeSpan EarlierScansKept { get; set; } = TimeSpan.FromHours(25);

    /// <summary>Most of them per user; the logs of even older ones end by their own retention. Default 2,000.</summary>
    [Range(0, 10_000)]
    public int MaxEarlierScans { get; set; } = 2000;

    /// <summary>How long a user's list is kept after its last change. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan ListRetention { get; set; } = TimeSpan.FromDays(30);
}
