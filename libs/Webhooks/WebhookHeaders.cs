namespace Webhooks;

/// <summary>Names of the headers of a signed message (Standard Webhooks 1.0.0).</summary>
public static class WebhookHeaders
{
    /// <summary>Id of the message: the same in every attempt, so that receivers know a repetition.</summary>
    public const string Id = "webhook-id";

    /// <summary>Seconds since 1970 of this attempt.</summary>
    public const string Timestamp = "webhook-timestamp";

    /// <summary>Signatures, separated by blanks; one of them suffices.</summary>
    public const string Signature = "webhook-signature";
}
