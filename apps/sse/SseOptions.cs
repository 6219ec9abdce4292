using System.ComponentModel.DataAnnotations;

namespace Sse;

/// <summary>Settings of sse, section <c>Sse</c>.</summary>
public sealed class SseOptions
{
    public const string Section = "Sse";

    /// <summary>
    /// Time between keep-alives of a stream, told to clients in the first event; they take a stream for dead after three of
    /// them. With each keep-alive the log of a quiet stream is compared with what was sent. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:05:00")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary><c>retry:</c> of the first frame: how long a browser waits before it connects again. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:01:00")]
    public TimeSpan Retry { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Events that wait for a slow client before its stream is cut; it resumes where it was. Default 64.</summary>
    [Range(1, 10_000)]
    public int QueueLength { get; set; } = 64;

    /// <summary>Most open streams of one user on this replica. Default 20.</summary>
    [Range(1, 100_000)]
    public int MaxStreamsPerUser { get; set; } = 20;

    /// <summary>Hints older than this are ignored: what they tell is in the log. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan MaxHintAge { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long after a renewed subscription every stream is compared with its log at each tenth of
    /// <see cref="KeepAlive"/>: hints were lost before, and until the broker has joined the group again. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan RecheckAfterRenewal { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time limit of one read of the log. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
