using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Webhooks;

/// <summary>A symmetric signing secret: 24 to 64 bytes, written as <c>whsec_</c> and base64 (Standard Webhooks 1.0.0). Never prints itself.</summary>
public sealed class WebhookSecret
{
    private const string Prefix = "whsec_";
    private const int MinBytes = 24;
    private const int MaxBytes = 64;

    private WebhookSecret(byte[] key) => Key = key;

    internal byte[] Key { get; }

    /// <summary>A new one of 32 random bytes.</summary>
    public static WebhookSecret Generate() => new(RandomNumberGenerator.GetBytes(32));

    /// <summary>Reads <c>whsec_…</c>; the prefix may be missing.</summary>
    /// <exception cref="FormatException">Not base64, or not 24 to 64 bytes. The message does not repeat the text.</exception>
    public static WebhookSecret Parse(string text) => TryParse(text, out var secret)
        ? secret
        : throw new FormatException($"a webhook secret is {Prefix} and the base64 of {MinBytes} to {MaxBytes} bytes");

    /// <summary>As <see cref="Parse"/>, but false for what is none.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out WebhookSecret? secret)
    {
        secret = null;
        var base64 = text?.StartsWith(Prefix, StringComparison.Ordinal) == true ? text.AsSpan(Prefix.Length) : text;
        Span<byte> bytes = stackalloc byte[MaxBytes + 3];
        if (Convert.TryFromBase64Chars(base64, bytes, out var length) && length is >= MinBytes and <= MaxBytes)
        {
            secret = new WebhookSecret(bytes[..length].ToArray());
        }

        return secret is not null;
    }

    /// <summary>The secret as it is handed to a receiver. For that alone: never for a log.</summary>
    public string Reveal() => Prefix + Convert.ToBase64String(Key);

    /// <inheritdoc/>
    public override string ToString() => $"{Prefix}…";
}
