using System.ComponentModel.DataAnnotations;

namespace EventRouter;

/// <summary>Settings of event-router, section <c>EventRouter</c>.</summary>
public sealed class EventRouterOptions
{
    public const string Section = "EventRouter";

    /// <summary>App ids that may append and read. Default: desk, scan, scan-worker.</summary>
    [Required, MinLength(1)]
    public string[] Callers { get; set; } = [Contracts.Apps.Desk, Contracts.Apps.Scan, Contracts.Apps.ScanWorker];

    /// <summary>How long a log is kept after its job's deadline. Default 24 h; longer than any redelivery of the job's messages.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Entries in the head document, bytes, before they are sealed into a chunk. Default 8 KiB.</summary>
    [Range(256, 1024 * 1024)]
    public int OpenBytes { get; set; } = 8 * 1024;

    /// <summary>Largest append command, bytes. Default 128 KiB: larger things belong into the object store.</summary>
    [Range(1024, 1024 * 1024)]
    public int MaxCommandBytes { get; set; } = 128 * 1024;

    /// <summary>Heads kept in memory, least recently used go first. Default 4,096.</summary>
    [Range(1, 1_000_000)]
    public int CachedJobs { get; set; } = 4096;

    /// <summary>Tries of one append when the compare-and-set is lost or the store does not answer. Default 10.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>Upper end of the random pause before the second try; doubles up to 16 times this. Default 10 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:05")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Time limit of one try, all its state operations together. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan StoreTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Retry-After of an answer that refuses a new job. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Age from which the sweep compares an entry of the open-job index with its log. Default 60 s: longer than a caller
    /// retries, so an entry whose log is still being created stays.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan IndexGrace { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Expiry of the lock that lets one replica sweep at a time. Default 30 s.</summary>
    [Range(1, 600)]
    public int SweepLockSeconds { get; set; } = 30;
}
