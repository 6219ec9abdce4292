using System.Text.RegularExpressions;

namespace Ai;

/// <summary>
/// Masks what points to a person or opens a door, before free text reaches a log or an error: e-mail addresses, Korean phone and resident numbers,
/// numbers of cards, keys and tokens. A safety net below the rule that such text is not logged at all. Each pattern begins at the edge of a word and is
/// bounded, so the time grows with the text and no faster.
/// </summary>
public static partial class PiiMask
{
    /// <summary>The text with what was found replaced by its kind in brackets.</summary>
    public static string Mask(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        text = NamedKey().Replace(text, "${name}[key]");
        text = Key().Replace(text, "[key]");
        text = Email().Replace(text, "[e-mail]");
        text = ResidentNumber().Replace(text, "[resident number]");
        text = CardNumber().Replace(text, match => IsLuhn(match.ValueSpan) ? "[card]" : match.Value);
        return PhoneNumber().Replace(text, "[phone]");
    }

    /// <summary>ISO/IEC 7812-1: every second digit from the right doubled, cross sums added, divisible by ten.</summary>
    private static bool IsLuhn(ReadOnlySpan<char> number)
    {
        var (sum, doubled) = (0, false);
        for (var index = number.Length - 1; index >= 0; index--)
        {
            if (!char.IsAsciiDigit(number[index]))
            {
                continue;
            }

            var digit = (number[index] - '0') * (doubled ? 2 : 1);
            sum += digit > 9 ? digit - 9 : digit;
            doubled = !doubled;
        }

        return sum % 10 == 0;
    }

    /// <summary>What is called a key, whatever it looks like: a header, a field, a part of a query.</summary>
    [GeneratedRegex(
        @"(?<name>\b(?:x-api-key|x-goog-api-key|api[-_ ]?key|access[-_]?token|refresh[-_]?token|authorization|password|secret|key|token)[""']?\s*[:=]\s*[""']?(?:bearer\s+|basic\s+)?|\bbearer\s+)[\w.~+/*=-]{8,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NamedKey();

    /// <summary>What looks like one: OpenAI and Anthropic, Google's keys and access tokens, GitHub, AWS, Slack, JWT.</summary>
    [GeneratedRegex(
        @"(?<![0-9A-Za-z_])(?:sk-[\w*-]{8,}|AIza[\w-]{30,}|ya29\.[\w.-]{10,}|gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}\b|xox[abprs]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
        RegexOptions.CultureInvariant)]
    private static partial Regex Key();

    [GeneratedRegex(@"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", RegexOptions.CultureInvariant)]
    private static partial Regex Email();

    /// <summary>Birthday, century and sex, serial number.</summary>
    [GeneratedRegex(@"(?<![0-9A-Za-z_])\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?[1-8]\d{6}(?![0-9A-Za-z_])", RegexOptions.CultureInvariant)]
    private static partial Regex ResidentNumber();

    [GeneratedRegex(@"(?<![0-9A-Za-z_-])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z_-])", RegexOptions.CultureInvariant)]
    private static partial Regex CardNumber();

    /// <summary>Mobile, Seoul, other areas, internet telephony; with or without the country.</summary>
    [GeneratedRegex(
        @"(?<![0-9A-Za-z_-])(?:\+?82[ .-]?\(?0?\)?|0)(?:1[016-9][ .-]?\d{3,4}[ .-]?\d{4}|2[ .-]?\d{3,4}[ .-]\d{4}|(?:[3-6]\d|70)[ .-]\d{3,4}[ .-]\d{4})(?![0-9A-Za-z_-])",
        RegexOptions.CultureInvariant)]
    private static partial Regex PhoneNumber();
}
