using System.Text;

namespace Auth.Passwords;

/// <summary>
/// One form for the same text from different keyboards: the parts of Unicode's NFKC that input methods differ in. Full-width letters and the
/// ideographic space become plain ones, single Hangul letters become syllables (Unicode §3.12). All of NFKC would need ICU, which the images of the
/// platform leave out; where it is missing the framework's own normalisation silently does nothing, and a password would depend on the machine.
/// </summary>
internal static class KeyboardForms
{
    private const int Leading = 0x1100, LeadingCount = 19;
    private const int Vowel = 0x1161, VowelCount = 21;

    /// <summary>The one before the first: no trailing letter.</summary>
    private const int Trailing = 0x11A7, TrailingCount = 28;

    private const int Syllable = 0xAC00, SyllableCount = LeadingCount * VowelCount * TrailingCount;

    public static string Of(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            var plain = c switch
            {
                >= '\uFF01' and <= '\uFF5E' => (char)(c - 0xFEE0),
                '\u3000' => ' ',
                _ => c,
            };
            if (result.Length > 0 && Compose(result[^1], plain) is { } syllable)
            {
                result[^1] = syllable;
            }
            else
            {
                result.Append(plain);
            }
        }

        return result.ToString();
    }

    private static char? Compose(char first, char second)
    {
        var (leading, vowel) = (first - Leading, second - Vowel);
        if (leading is >= 0 and < LeadingCount && vowel is >= 0 and < VowelCount)
        {
            return (char)(Syllable + (((leading * VowelCount) + vowel) * TrailingCount));
        }

        var (open, trailing) = (first - Syllable, second - Trailing);
        return open is >= 0 and < SyllableCount && open % TrailingCount == 0 && trailing is > 0 and < TrailingCount ? (char)(first + trailing) : null;
    }
}
