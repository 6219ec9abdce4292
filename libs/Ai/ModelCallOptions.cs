using System.ComponentModel.DataAnnotations;

namespace Ai;

/// <summary>Timeouts, retries, breaker and limits around one model.</summary>
public sealed class ModelCallOptions
{
    /// <summary>Longest wait for the first piece of an answer; of an answer that is not streamed, for all of it. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan FirstByteTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest wait between two pieces of a streamed answer. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time of a call with its queue, attempts and fallbacks, up to the end of a stream. Default 180 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(180);

    /// <summary>Attempts after the first, where <see cref="FailureRule.Resend"/> allows it. Default 2.</summary>
    [Range(0, 10)]
    public int Retries { get; set; } = 2;

    /// <summary>First wait; doubles per retry, with jitter of 50 to 100 %. A Retry-After takes its place. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a retry; a longer Retry-After ends the attempts. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether to send again what the provider may bill twice (<see cref="Resend.MayBillTwice"/>). Default true.</summary>
    public bool RetryWhatMayBillTwice { get; set; } = true;

    /// <summary>The breaker opens after this many failures within <see cref="BreakerWindow"/>. Default 5.</summary>
    [Range(1, 10_000)]
    public int BreakerFailures { get; set; } = 5;

    /// <summary>Time in which the failures are counted. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan BreakerWindow { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the breaker stays open before it lets one call try. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan BreakerOpenTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Calls to the model that run at the same time in this process; more wait in line. Default 200. The local provider computes instead of waiting, so
    /// it runs one per processor at most.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxConcurrentCalls { get; set; } = 200;
}
