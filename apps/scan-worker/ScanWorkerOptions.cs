using System.ComponentModel.DataAnnotations;

namespace ScanWorker;

/// <summary>Settings of scan-worker.</summary>
public sealed class ScanWorkerOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "ScanWorker";

    /// <summary>Attempts of a stage after the first. Default 3.</summary>
    [Range(0, 10)]
    public int StageRetries { get; set; } = 3;

    /// <summary>Wait before the first retry of a stage; doubles. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan StageRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After this time a stage's work is cancelled. Default 240 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan StageSoftLimit { get; set; } = TimeSpan.FromSeconds(240);

    /// <summary>After this time a stage whose work ignores the cancellation is given up. Default 300 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan StageHardLimit { get; set; } = TimeSpan.FromSeconds(300);

    /// <summary>
    /// Pictures that are read, decoded or looked at on this machine at a time; more wait in line. Default two per processor: a decoded
    /// picture takes up to 50 MB. A model server's answer is waited for outside the line.
    /// </summary>
    [Range(1, 1000)]
    public int VisionConcurrency { get; set; } = 2 * Environment.ProcessorCount;

    /// <summary>Answers that are written at a time; more wait in line. Default 100, which is as many activities as a worker runs.</summary>
    [Range(1, 1000)]
    public int AnswerConcurrency { get; set; } = 100;

    /// <summary>How long stage results are kept. Default 24 h, longer than any redelivery.</summary>
    [Range(typeof(TimeSpan), "00:10:00", "30.00:00:00")]
    public TimeSpan ResultRetention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Longest wait for the reward judgement; the scan completes without a reward after it. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan MatchTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Points of a rewarded scan. Default 10.</summary>
    [Range(0, 1000)]
    public int RewardPoints { get; set; } = 10;

    /// <summary>Whether perfect sortings are rewarded. Default true.</summary>
    public bool RewardsEnabled { get; set; } = true;

    /// <summary>A picture whose file is larger is scaled down before it is sent to a model server. Default 1 MiB.</summary>
    [Range(16 * 1024, 20 * 1024 * 1024)]
    public int MaxPictureBytesSent { get; set; } = 1024 * 1024;

    /// <summary>Shorter side of a scaled-down picture, pixels. Default 768 (what the low detail setting uses is less).</summary>
    [Range(64, 4096)]
    public int SentPictureMinSide { get; set; } = 768;
}
