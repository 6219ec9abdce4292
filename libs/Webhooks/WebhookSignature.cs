using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Webhooks;

/// <summary>
/// Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over <c>{id}.{timestamp}.{body}</c>, written as <c>v1,{base64}</c>. The official library,
/// StandardWebhooks on NuGet, is the one to take where packages are free to choose; this is all of it that is needed here.
/// </summary>
public static class WebhookSignature
{
    private const string Version = "v1,";

    /// <summary>
    /// The value of <see cref="WebhookHeaders.Signature"/>: one signature per secret, so that a receiver with the old and one with the new secret of a
    /// rotation both accept it.
    /// </summary>
    /// <param name="id">Id of the message; without a dot.</param>
    /// <param name="timestamp">When this attempt is made; to the second.</param>
    /// <param name="body">The bytes that are sent.</param>
    /// <param name="secrets">At least one.</param>
    /// <exception cref="ArgumentException">The id is empty or has a dot, or there is no secret.</exception>
    public static string Sign(string id, DateTimeOffset timestamp, ReadOnlySpan<byte> body, params IReadOnlyCollection<WebhookSecret> secrets)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(secrets);
        if (id.Contains('.', StringComparison.Ordinal) || secrets.Count == 0)
        {
            throw new ArgumentException("a message needs an id without a dot, and a secret");
        }

        var signed = Content(id, Text(timestamp), body);
        return string.Join(' ', secrets.Select(secret => Version + Convert.ToBase64String(HMACSHA256.HashData(secret.Key, signed))));
    }

    /// <summary>The value of <see cref="WebhookHeaders.Timestamp"/>.</summary>
    public static string Text(DateTimeOffset timestamp) => timestamp.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether one of the signatures is one of the secrets'. Takes the same time wherever a wrong one differs.</summary>
    internal static bool Matches(string id, string timestamp, ReadOnlySpan<byte> body, string signatures, IReadOnlyCollection<WebhookSecret> secrets)
    {
        var content = Content(id, timestamp, body);
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        var matches = false;
        foreach (var secret in secrets)
        {
            HMACSHA256.HashData(secret.Key, content, expected);
            foreach (var part in signatures.AsSpan().Split(' '))
            {
                // Other versions are somebody else's.
                var signature = signatures.AsSpan()[part];
                matches |= signature.StartsWith(Version, StringComparison.Ordinal)
                    && Convert.TryFromBase64Chars(signature[Version.Length..], given, out var length) && length == given.Length
                    && CryptographicOperations.FixedTimeEquals(expected, given);
            }
        }

        return matches;
    }

    private static byte[] Content(string id, string timestamp, ReadOnlySpan<byte> body) => [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
}
