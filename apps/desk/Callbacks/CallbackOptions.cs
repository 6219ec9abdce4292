using System.ComponentModel.DataAnnotations;

namespace Desk.Callbacks;

/// <summary>How callbacks are delivered. Which addresses may be named is section <c>GuardedPost</c>.</summary>
public sealed class CallbackOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = $"{DeskOptions.Section}:Callbacks";

    /// <summary>Name of the secret of component <c>secrets</c> with the signing secrets, the newest first, separated by blanks. Default <c>callback-signing</c>.</summary>
    [Required]
    public string Secret { get; set; } = "callback-signing";

    /// <summary>After this time the secrets are read again, so that a rotation is noticed. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SecretsKept { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Which waits between attempts. Default <see cref="CallbackLadder.Short"/>.</summary>
    public CallbackLadder Ladder { get; set; } = CallbackLadder.Short;

    /// <summary>Waits of one's own instead of a ladder's. Default none.</summary>
    public IList<TimeSpan> Waits { get; } = [];

    /// <summary>Share by which a wait is shorter or longer, so that receivers that come back are not met by all at once. Default 0.1.</summary>
    [Range(0, 0.5)]
    public double Jitter { get; set; } = 0.1;

    /// <summary>A receiver's wish for a later attempt counts up to this. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxRetryAfter { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Body and headers. Default <see cref="CallbackFormat.Standard"/>.</summary>
    public CallbackFormat Format { get; set; } = CallbackFormat.Standard;

    /// <summary>How long the log of a delivery is kept after its last attempt. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan LogKept { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Longest pause before an attempt is made again that our own stores or secrets have prevented. Default 5 min: each is a line of the workflow's history.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan OwnRetryInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>After so long without a signing secret or a store a message is given up as a dead letter. Default 7 days.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan OwnRetryTimeout { get; set; } = TimeSpan.FromDays(7);

    /// <summary>The waits between attempts, in order; there is one attempt more.</summary>
    public IReadOnlyList<TimeSpan> WaitsBetween => Waits.Count > 0 ? [.. Waits] : Ladder == CallbackLadder.Long ? Long : Short;

    private static readonly TimeSpan[] Short = [.. new[] { 1, 5, 30, 120, 600 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    private static readonly TimeSpan[] Long =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10),
        TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];
}

/// <summary>Waits between the attempts of a delivery.</summary>
public enum CallbackLadder
{
    /// <summary>1, 5, 30, 120, 600 s: six attempts in about 13 minutes.</summary>
    Short,

    /// <summary>5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten attempts in about 76 hours, the example of Standard Webhooks.</summary>
    Long,
}

/// <summary>What a receiver gets.</summary>
public enum CallbackFormat
{
    /// <summary><c>{"type","timestamp","data"}</c> with the headers of Standard Webhooks.</summary>
    Standard,

    /// <summary>The data alone, with <c>X-Signature</c> and <c>X-Delivery-Id</c> beside those headers: for receivers that know only that.</summary>
    Original,
}
