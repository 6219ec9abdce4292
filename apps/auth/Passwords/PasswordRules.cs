using System.Collections.Frozen;
using System.Text;
using Microsoft.Extensions.Options;

namespace Auth.Passwords;

/// <summary>
/// Which passwords may be chosen, by NIST SP 800-63B §5.1.1.2: length counts, composition does not; no well-known password and none that is said
/// by the account itself.
/// </summary>
internal sealed class PasswordRules(IOptions<PasswordOptions> options)
{
    /// <summary>Longest password, in code points.</summary>
    public const int MaxLength = 128;

    private const int ShortestWord = 4;

    private static readonly FrozenSet<string> Common = ReadCommon();

    /// <summary>The form that is hashed; null when it is no text or too long.</summary>
    public static string? Normalise(string? password)
    {
        // A lone surrogate is enumerated as the replacement character, and is no text.
        if (password is null || password.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar))
        {
            return null;
        }

        var normal = KeyboardForms.Of(password);
        return Length(normal) > MaxLength ? null : normal;
    }

    /// <summary>Why a new password is refused, or null. It is normalised; e-mail address and nickname are given where they are known.</summary>
    public string? Refuse(string? password, string? email, string? nickname)
    {
        if (password is null)
        {
            return $"A password has at most {MaxLength} characters";
        }

        if (Length(password) < options.Value.MinLength)
        {
            return $"A password has at least {options.Value.MinLength} characters";
        }

        var lower = password.ToLowerInvariant();
        if (Common.Contains(lower) || lower.EnumerateRunes().Distinct().Take(2).Count() == 1)
        {
            return "This password is among those that are tried first; choose another";
        }

        return new[] { email, email?[..email.IndexOf('@')], nickname?.Trim().ToLowerInvariant() }
            .Any(word => word is { Length: >= ShortestWord } && (word.Contains(lower, StringComparison.Ordinal) || IsMostOf(lower, word)))
            ? "The password repeats the e-mail address or the nickname; choose another"
            : null;
    }

    private static int Length(string text) => text.EnumerateRunes().Count();

    /// <summary>Little beside the word: <c>mina2024</c> of <c>mina</c> is refused, a long sentence with the word in it is not.</summary>
    private static bool IsMostOf(string password, string word) =>
        password.Contains(word, StringComparison.Ordinal) && password.Length - word.Length <= Math.Max(4, word.Length / 2);

    private static FrozenSet<string> ReadCommon()
    {
        using var reader = new StreamReader(typeof(PasswordRules).Assembly.GetManifestResourceStream("Auth.Passwords.common-passwords.txt")
            ?? throw new InvalidOperationException("common-passwords.txt is not embedded"));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
