using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Webhooks;

/// <summary>
/// The header of receivers that were there before Standard Webhooks: <c>X-Signature: t={seconds},v1={hex}</c>, the HMAC-SHA256 over
/// <c>{seconds}.{body}</c>, and <c>X-Delivery-Id</c>.
/// </summary>
public static class OriginalSignature
{
    /// <summary>Header of the signature.</summary>
    public const string Header = "X-Signature";

    /// <summary>Header of the message's id.</summary>
    public const string IdHeader = "X-Delivery-Id";

    /// <summary>The value of <see cref="Header"/>; knows one secret, the newest.</summary>
    public static string Sign(DateTimeOffset timestamp, ReadOnlySpan<byte> body, WebhookSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var seconds = timestamp.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{seconds}."), .. body];
        return $"t={seconds},v1={Convert.ToHexStringLower(HMACSHA256.HashData(secret.Key, signed))}";
    }
}
