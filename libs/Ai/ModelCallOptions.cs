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

    /// <summary>
    /// Longest time of a call with its queue, attempts and fallbacks, up to the end of a stream; what a stream's reader takes is not counted. Default 180 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(180);

    /// <summary>
    /// Attempts after the first, where <see cref="FailureRule.Resend"/> allows it; one with another key of the provider does not count. Default 2.
    /// </summary>
    [Range(0, 10)]
    public int Retries { get; set; } = 2;

    /// <summary>How often one call goes on with another key of the provider after one that was refused, which needs no wait. Default 10.</summary>
    [Range(0, 1000)]
    public int KeyChanges { get; set; } = 10;

    /// <summary>First wait; doubles per retry, with jitter of 50 to 100 %. A Retry-After takes its place. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a retry; a longer Retry-After ends the attempts. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts after the first when the server cannot be reached, as far as <see cref="TotalTimeout"/> allows. Default 4.</summary>
    [Range(0, 10)]
    public int NetworkRetries { get; set; } = 4;

    /// <summary>First wait for a server that cannot be reached; doubles per retry, with jitter of 50 to 100 %. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan NetworkRetryDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for a server that cannot be reached. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxNetworkRetryDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Attempts after the first when the answer does not parse or does not fit its schema. Default 1.</summary>
    [Range(0, 10)]
    public int AnswerRetries { get; set; } = 1;

    /// <summary>First wait after such an answer; doubles per retry, without jitter. Default 0.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan AnswerRetryDelay { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait after such an answer. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxAnswerRetryDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether to send again what the provider may bill twice (<see cref="Resend.MayBillTwice"/>). Default true.</summary>
    public bool RetryWhatMayBillTwice { get; set; } = true;

    /// <summary>
    /// The breaker opens after this many failures within <see cref="BreakerWindow"/>, unless as many calls went well in that time. Default 5.
    /// </summary>
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

    /// <summary>A copy, to change single values of.</summary>
    internal ModelCallOptions Copy() => (ModelCallOptions)MemberwiseClone();
}
