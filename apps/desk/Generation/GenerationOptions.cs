using System.ComponentModel.DataAnnotations;

namespace Desk.Generation;

/// <summary>How desks are restyled.</summary>
public sealed class GenerationOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = $"{DeskOptions.Section}:Generation";

    /// <summary>A task that has not ended by then ends as failed. Default 240 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(240);

    /// <summary>What a task whose app was away at its deadline has on top before event-router ends it in its place. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan DeadlineGrace { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A task that has reserved its place and photo this long ago and has no job was never accepted: others may take both. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan AcceptTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Longest time to fetch, fit and store the photo. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan DownloadTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Photos that are fetched, or wait with their file of up to 10 MiB to be decoded, at a time; the others are fetched when it is their turn. Default 16, of which a slow
    /// server keeps one busy for 15 s.
    /// </summary>
    [Range(1, 1000)]
    public int DownloadConcurrency { get; set; } = 16;

    /// <summary>Longest time to tell whether it shows a desk. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan ClassifyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time for the words of the new desk. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan PromptTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time to draw it. Default 90 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan DrawTimeout { get; set; } = TimeSpan.FromSeconds(90);

    /// <summary>Longest time to store what was drawn. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Longest time to find things in the made picture; what is not found by then has no centre. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan LocateTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Attempts at a step after the first, as far as the deadline allows. Default 3.</summary>
    [Range(0, 10)]
    public int StepRetries { get; set; } = 3;

    /// <summary>Wait before the first of them; doubles. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan StepRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Side of the square that models get and give, pixels; centres of products are told in it. Default 1024.</summary>
    [Range(256, 4096)]
    public int Side { get; set; } = 1024;

    /// <summary>Tasks of a user per day of Korea; those that fail do not count. Default 5.</summary>
    [Range(1, 100_000)]
    public int TasksPerDay { get; set; } = 5;

    /// <summary>Most tasks of a user that have not ended; one more is 429. Default 5.</summary>
    [Range(1, 100_000)]
    public int MaxOpenTasksPerUser { get; set; } = 5;

    /// <summary>Most tasks that have not ended; one more is 503. Default 200.</summary>
    [Range(1, 1_000_000)]
    public int MaxOpenTasks { get; set; } = 200;

    /// <summary>Longest time that <c>?wait=true</c> waits. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the results of steps are kept. Default 24 h, longer than any redelivery and as long as the log of a task.</summary>
    [Range(typeof(TimeSpan), "00:10:00", "30.00:00:00")]
    public TimeSpan ResultKept { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long it is remembered which tasks a user had: what an erasure goes by. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "365.00:00:00")]
    public TimeSpan TasksKept { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Where results of tasks without a callback address of their own are sent. Default nowhere.</summary>
    [StringLength(2048)]
    public string? ResultUrl { get; set; }

    /// <summary>
    /// Output binding that every result is handed to, operation <c>create</c>, in the shape of the original service's stream
    /// (<c>initial_image_url, processed_image_url, products</c>, the last as JSON in a string). Default none.
    /// </summary>
    public string? OutputBinding { get; set; }

    /// <summary>Metadata of that call; <c>{task_id}</c> and <c>{request_id}</c> in a value are replaced. Default none.</summary>
    public IDictionary<string, string> OutputMetadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Server of an own image model for <c>/v2</c>. Default none: 501.</summary>
    public Uri? CustomModelEndpoint { get; set; }
}
