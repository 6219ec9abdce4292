namespace Ai.Local.Text;

/// <summary>Parts of a text that can stand alone: lines, and the sentences of long lines.</summary>
internal static class Passages
{
    private const int MaxLength = 300;

    /// <summary>The passages in their order, without blanks around them; whole sentences up to 300 characters together.</summary>
    public static IEnumerable<Range> Of(string text)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = End(text, start);
            int first = start, last = end;
            while (first < last && char.IsWhiteSpace(text[first]))
            {
                first++;
            }

            while (last > first && char.IsWhiteSpace(text[last - 1]))
            {
                last--;
            }

            if (last > first)
            {
                yield return first..last;
            }

            start = end;
        }
    }

    private static int End(string text, int start)
    {
        var line = text.IndexOf('\n', start);
        var limit = line < 0 ? text.Length : line + 1;
        if (limit - start <= MaxLength)
        {
            return limit;
        }

        // The last end of a sentence that fits, else the last blank, else the middle of a word, but never of a surrogate pair.
        int sentence = -1, blank = -1;
        for (var i = start + 1; i < start + MaxLength; i++)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                blank = i;
                sentence = text[i - 1] is '.' or '!' or '?' or '。' ? i : sentence;
            }
        }

        var end = sentence > 0 ? sentence : blank > 0 ? blank : start + MaxLength;
        return char.IsLowSurrogate(text[end]) ? end + 1 : end;
    }
}
