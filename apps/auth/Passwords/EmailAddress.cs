using System.Security.Cryptography;
using System.Text;

namespace Auth.Passwords;

/// <summary>An e-mail address as accounts are found by: without case, in one form of Unicode. Never logged.</summary>
internal static class EmailAddress
{
    /// <summary>RFC 5321 §4.5.3.1.3.</summary>
    public const int MaxLength = 254;

    /// <summary>The normal form; null when it is no address.</summary>
    public static string? Normalise(string? text)
    {
        if (text is null || text.Length > MaxLength || !IsText(text))
        {
            return null;
        }

        var normal = KeyboardForms.Of(text).Trim().ToLowerInvariant();
        var at = normal.IndexOf('@');
        return at > 0 && at == normal.LastIndexOf('@') && at < normal.Length - 1 && !normal.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) ? normal : null;
    }

    /// <summary>What stands for the address in keys. It hides the address from who sees keys, not from who can guess it.</summary>
    public static string Hash(string normal) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(normal)));

    /// <summary>A lone surrogate is enumerated as the replacement character.</summary>
    private static bool IsText(string text) => text.EnumerateRunes().All(rune => rune != Rune.ReplacementChar);
}
