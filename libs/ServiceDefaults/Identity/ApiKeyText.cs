using System.Security.Cryptography;
using System.Text;

namespace ServiceDefaults.Identity;

/// <summary>
/// An API key as people copy it: <c>tandem_{id}_{secret}{checksum}</c>, all hexadecimal, so that scanners find leaked keys, one click selects
/// one, and most mistyped ones are refused without asking anybody.
/// </summary>
/// <param name="Id">32 digits; claim <c>sid</c> of its tokens.</param>
/// <param name="Hash">
/// SHA-256 of the secret's 32 random bytes, the only thing of them that is kept. Slow hashing is for what people think up; 256 random bits cannot be
/// guessed at any speed.
/// </param>
public sealed record ApiKeyText(string Id, byte[] Hash)
{
    /// <summary>How every key begins.</summary>
    public const string Prefix = "tandem_";

    private const int IdLength = 32;
    private const int SecretBytes = 32;
    private const int ChecksumLength = 8;
    private const int SecretStart = IdLength + 8;
    private const int ChecksumStart = SecretStart + (2 * SecretBytes);

    /// <summary>A new secret for a key: the text, shown once, and what is kept.</summary>
    public static (string Text, byte[] Hash) Create(string id)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        var body = $"{Prefix}{id}_{Convert.ToHexStringLower(secret)}";
        return (body + Checksum(body), SHA256.HashData(secret));
    }

    /// <summary>Takes a key apart; null when it is none.</summary>
    public static ApiKeyText? Parse(string text)
    {
        if (text.Length != ChecksumStart + ChecksumLength || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[SecretStart - 1] != '_'
            || !string.Equals(Checksum(text[..ChecksumStart]), text[ChecksumStart..], StringComparison.Ordinal))
        {
            return null;
        }

        var (id, secret) = (text[Prefix.Length..(Prefix.Length + IdLength)], text[SecretStart..ChecksumStart]);
        return id.All(char.IsAsciiHexDigitLower) && secret.All(char.IsAsciiHexDigitLower) ? new ApiKeyText(id, SHA256.HashData(Convert.FromHexString(secret))) : null;
    }

    private static string Checksum(string body) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))[..ChecksumLength];
}
