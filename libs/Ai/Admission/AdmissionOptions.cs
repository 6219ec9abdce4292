using System.ComponentModel.DataAnnotations;

namespace Ai.Admission;

/// <summary>How many model calls run at a time and how long others wait: section <c>Ai:Admission</c>.</summary>
public sealed class AdmissionOptions
{
    /// <summary>Calls that run at the same time in this process. Default 16.</summary>
    [Range(1, 100_000)]
    public int MaxConcurrentCalls { get; set; } = 16;

    /// <summary>The same for one session. Default 2.</summary>
    [Range(1, 100_000)]
    public int MaxPerSession { get; set; } = 2;

    /// <summary>The same for one user. Default 4.</summary>
    [Range(1, 100_000)]
    public int MaxPerUser { get; set; } = 4;

    /// <summary>Calls that may wait; one more is declined at once. Default 256.</summary>
    [Range(0, 1_000_000)]
    public int MaxWaiting { get; set; } = 256;

    /// <summary>Longest wait. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Head start of each class of <see cref="Calls.CallPriority"/> before the next: a call is overtaken by one that is a class more urgent only while that
    /// one came at most this much later. So nobody is overtaken without end. Default 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan HeadStart { get; set; } = TimeSpan.FromSeconds(1);
}
