using System.Buffers;

namespace Ai.Local.Text;

/// <summary>
/// The features of a text for retrieval without a language model. Korean: syllables, and pairs of syllables within a word, which serve at least as well as taking
/// words apart and need no dictionary (particles, endings and missing spaces cost a pair or two). Latin letters and digits: the word without its commonest
/// English endings, and its runs of three letters, which forgive a typing error. A feature is a hash of our own, the same in every process and version.
/// </summary>
internal static class Grams
{
    private const int LatinRun = 3;
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    private enum Kind
    {
        Gap,
        Syllable,
        Letter,
    }

    /// <summary>Adds the features of a text, as often as they occur.</summary>
    public static void Collect(ReadOnlySpan<char> text, List<ulong> grams)
    {
        var buffer = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            var clean = buffer.AsSpan(0, Normalise(text, buffer));
            for (var i = 0; i < clean.Length;)
            {
                var kind = KindOf(clean[i]);
                var end = i + 1;
                while (end < clean.Length && KindOf(clean[end]) == kind)
                {
                    end++;
                }

                if (kind == Kind.Syllable)
                {
                    AddSyllables(clean[i..end], grams);
                }
                else if (kind == Kind.Letter)
                {
                    AddWord(clean[i..end], grams);
                }

                i = end;
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    /// <summary>Lower case, and Hangul whose letters are stored one by one (as file systems do) put together to syllables. Gives the length.</summary>
    internal static int Normalise(ReadOnlySpan<char> text, Span<char> clean)
    {
        const int Leads = 0x1100, Vowels = 0x1161, Tails = 0x11A7, VowelCount = 21, TailCount = 28, LeadCount = 19;
        var length = 0;
        foreach (var character in text)
        {
            var before = length > 0 ? clean[length - 1] : '\0';
            if (character is >= (char)Vowels and < (char)(Vowels + VowelCount) && before is >= (char)Leads and < (char)(Leads + LeadCount))
            {
                clean[length - 1] = (char)('가' + ((((before - Leads) * VowelCount) + character - Vowels) * TailCount));
            }
            else if (character is > (char)Tails and < (char)(Tails + TailCount) && before is >= '가' and <= '힣' && (before - '가') % TailCount == 0)
            {
                clean[length - 1] = (char)(before + character - Tails);
            }
            else
            {
                // Full-width Latin is Latin.
                clean[length++] = char.ToLowerInvariant(character is >= '！' and <= '～' ? (char)(character - '！' + '!') : character);
            }
        }

        return length;
    }

    private static Kind KindOf(char character) => character switch
    {
        >= 'a' and <= 'z' or >= '0' and <= '9' => Kind.Letter,
        < '\u0080' => Kind.Gap,
        >= '가' and <= '힣' or >= '\u1100' and <= '\u11FF' or >= '\u3040' and <= '\u318F' or >= '\u3400' and <= '\u9FFF' => Kind.Syllable,
        _ => char.IsLetterOrDigit(character) || char.IsSurrogate(character) ? Kind.Letter : Kind.Gap,
    };

    private static void AddSyllables(ReadOnlySpan<char> run, List<ulong> grams)
    {
        for (var i = 0; i < run.Length; i++)
        {
            grams.Add(Hash(run.Slice(i, 1)));
            if (i + 1 < run.Length)
            {
                grams.Add(Hash(run.Slice(i, 2)));
            }
        }
    }

    private static void AddWord(ReadOnlySpan<char> word, List<ulong> grams)
    {
        var stem = Stem(word);
        grams.Add(Hash(stem));
        // A word of three letters or fewer is its own only run.
        for (var i = 0; stem.Length > LatinRun && i + LatinRun <= stem.Length; i++)
        {
            grams.Add(Hash(stem.Slice(i, LatinRun)));
        }
    }

    private static ReadOnlySpan<char> Stem(ReadOnlySpan<char> word) =>
        word.Length > 5 && word.EndsWith("ing") ? word[..^3]
        : word.Length > 4 && word.EndsWith("ed") ? word[..^2]
        : word.Length > 4 && word.EndsWith("es") ? word[..^2]
        : word.Length > 3 && word.EndsWith("s") && !word.EndsWith("ss") ? word[..^1]
        : word.Length > 4 && word.EndsWith("e") ? word[..^1]
        : word;

    /// <summary>FNV-1a over the UTF-16 units, finished so that all bits depend on all characters.</summary>
    internal static ulong Hash(ReadOnlySpan<char> text)
    {
        var hash = FnvOffset;
        foreach (var character in text)
        {
            hash = (hash ^ character) * FnvPrime;
        }

        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        return hash ^ (hash >> 33);
    }
}
