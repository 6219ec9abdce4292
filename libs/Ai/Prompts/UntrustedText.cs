using System.Globalization;
using System.Text;

namespace Ai.Prompts;

/// <summary>
/// Takes from text of unknown origin what a reader cannot see and what could pass for a fence or for the control tokens of a chat template, and nothing else.
/// </summary>
public static class UntrustedText
{
    private const int ZeroWidthJoiner = 0x200D;
    private const int TextSelector = 0xFE0E;
    private const int EmojiSelector = 0xFE0F;

    /// <summary>
    /// The text with line ends as <c>\n</c> and without control characters, bidirectional overrides, zero-width and tag characters (Unicode categories Cc and Cf)
    /// and stray variation selectors. A run of three or more angle brackets becomes single quotation marks of that shape, since fences are made of such runs; a
    /// blank parts <c>&lt;|</c> and <c>|&gt;</c>, with which chat templates write their control tokens.
    /// </summary>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var clean = new StringBuilder(text.Length);
        var before = 0;
        foreach (var rune in text.AsSpan().EnumerateRunes())
        {
            var value = rune.Value switch
            {
                // A line end in one of its other spellings; of \r\n only the \n counts.
                0x85 or 0x2028 or 0x2029 => '\n',
                '\r' => 0,
                _ => rune.Value,
            };
            if (value == 0 || IsHidden(value, before))
            {
                continue;
            }

            clean.Append(new Rune(value).ToString());
            before = value;
        }

        Defang(clean);
        return clean.ToString();
    }

    private static bool IsHidden(int value, int before) => value switch
    {
        '\n' or '\t' => false,
        // Joins the parts of an emoji; anywhere else nobody would see it.
        ZeroWidthJoiner => !IsPictograph(before) && before != EmojiSelector,
        // The look of an emoji. Selectors after letters, or several in a row, can carry hidden bytes.
        TextSelector or EmojiSelector => !IsPictograph(before),
        >= 0xFE00 and <= 0xFE0D or >= 0xE0100 and <= 0xE01EF => true,
        _ => CharUnicodeInfo.GetUnicodeCategory(value) is UnicodeCategory.Control or UnicodeCategory.Format,
    };

    private static bool IsPictograph(int value) =>
        value is >= 0x1F000 and <= 0x1FAFF || (value > 0x7F && value != Rune.ReplacementChar.Value && CharUnicodeInfo.GetUnicodeCategory(value) == UnicodeCategory.OtherSymbol);

    private static void Defang(StringBuilder text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '<' or '>')
            {
                var end = i + 1;
                while (end < text.Length && text[end] == text[i])
                {
                    end++;
                }

                if (end - i >= Fence.Brackets)
                {
                    text.Replace(text[i], text[i] == '<' ? '‹' : '›', i, end - i);
                }

                i = end - 1;
            }
        }

        text.Replace("<|", "< |").Replace("|>", "| >");
    }
}
