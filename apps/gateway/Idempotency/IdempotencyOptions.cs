using System.ComponentModel.DataAnnotations;

namespace Gateway.Idempotency;

/// <summary>Who makes sure that a write with an <c>Idempotency-Key</c> happens once.</summary>
public enum IdempotencyBy
{
    /// <summary>Nobody: the header means nothing.</summary>
    None,

    /// <summary>The app, by rules of its own; the gateway passes the header on.</summary>
    App,

    /// <summary>The gateway: it keeps the answer and gives it again.</summary>
    Gateway,
}

/// <summary>How the gateway keeps the answers of writes with an <c>Idempotency-Key</c>, section <c>Gateway:Idempotency</c>.</summary>
public sealed class IdempotencyOptions
{
    public const string Section = $"{GatewayOptions.Section}:Idempotency";

    /// <summary>How long a key is remembered. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan Keep { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How long a running request holds its key without a word; it says so three times as often. After a gateway has died the key can be used
    /// again that much later. Default 10 s; the clocks of the replicas must not differ by a sixth of it.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest answer that is kept, bytes. Default 64 KiB. Of a larger one only the status is: a repeat gets 409 IDEMPOTENCY_ANSWER_NOT_KEPT.</summary>
    [Range(0, 1024 * 1024)]
    public int MaxAnswerBytes { get; set; } = 64 * 1024;
}
