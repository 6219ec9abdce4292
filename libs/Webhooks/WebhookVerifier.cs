using System.Globalization;

namespace Webhooks;

/// <summary>What a receiver makes of a message.</summary>
public enum WebhookVerdict
{
    /// <summary>It is from who has the secret, and fresh. It may still be a repetition: ids that were handled are the receiver's to remember.</summary>
    Genuine,

    /// <summary>A header is missing or malformed.</summary>
    HeadersMissing,

    /// <summary>It was sent too long ago, or in the future: somebody may send again what he overheard.</summary>
    OutsideTolerance,

    /// <summary>No signature fits.</summary>
    SignatureWrong,
}

/// <summary>Verifies what <see cref="WebhookSignature"/> signs (Standard Webhooks 1.0.0). Thread-safe.</summary>
/// <param name="secrets">The receiver's secrets; more than one during a rotation.</param>
/// <param name="tolerance">Longest difference between the sender's clock and ours. Default 5 minutes.</param>
/// <param name="time">Our clock.</param>
public sealed class WebhookVerifier(IReadOnlyCollection<WebhookSecret> secrets, TimeSpan? tolerance = null, TimeProvider? time = null)
{
    private readonly TimeSpan _tolerance = tolerance ?? TimeSpan.FromMinutes(5);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Judges a message by its headers and the bytes of its body, read before anything was parsed.</summary>
    public WebhookVerdict Verify(string? id, string? timestamp, string? signatures, ReadOnlySpan<byte> body)
    {
        if (string.IsNullOrEmpty(id) || id.Contains('.', StringComparison.Ordinal) || string.IsNullOrEmpty(signatures)
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return WebhookVerdict.HeadersMissing;
        }

        var difference = _time.GetUtcNow().ToUnixTimeSeconds() - (decimal)seconds;
        return Math.Abs(difference) > (decimal)_tolerance.TotalSeconds ? WebhookVerdict.OutsideTolerance
            : WebhookSignature.Matches(id, timestamp, body, signatures, secrets) ? WebhookVerdict.Genuine
            : WebhookVerdict.SignatureWrong;
    }
}
