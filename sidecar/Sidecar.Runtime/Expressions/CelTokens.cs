using System.Globalization;
using System.Text;

namespace Sidecar.Runtime.Expressions;

/// <summary>The words and signs of an expression.</summary>
internal sealed class CelTokens(string text)
{
    private int _at;

    public int Position => _at;

    public bool AtEnd
    {
        get
        {
            Space();
            return _at == text.Length;
        }
    }

    private char Current => _at < text.Length ? text[_at] : '\0';

    /// <summary>Goes past the sign when it comes next.</summary>
    public bool Take(string sign)
    {
        Space();
        if (!text.AsSpan(_at).StartsWith(sign, StringComparison.Ordinal))
        {
            return false;
        }

        _at += sign.Length;
        return true;
    }

    /// <summary>One of the signs, but no <c>!=</c>.</summary>
    public char? TakeAny(string signs)
    {
        Space();
        return Current != '\0' && signs.Contains(Current) && !text.AsSpan(_at).StartsWith("!=", StringComparison.Ordinal) ? text[_at++] : null;
    }

    public bool TakeWord(string word)
    {
        Space();
        var end = _at + word.Length;
        if (!text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal) || (end < text.Length && IsLetter(text[end])))
        {
            return false;
        }

        _at = end;
        return true;
    }

    public void Expect(string sign)
    {
        if (!Take(sign))
        {
            throw Unexpected();
        }
    }

    public string Identifier()
    {
        Space();
        var start = _at;
        while (IsLetter(Current))
        {
            _at++;
        }

        return _at > start && !char.IsAsciiDigit(text[start]) ? text[start.._at] : throw Unexpected();
    }

    /// <summary>A number: decimal or hexadecimal, <c>u</c> behind it, or with fraction or exponent; null when none comes.</summary>
    public object? TakeNumber()
    {
        Space();
        if (!char.IsAsciiDigit(Current) && !(Current == '.' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1])))
        {
            return null;
        }

        var start = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current == '.' || (Current is '+' or '-' && text[_at - 1] is 'e' or 'E' && !IsHex(start)))
        {
            _at++;
        }

        var word = text[start.._at];
        var whole = word.TrimEnd('u', 'U');
        if (whole.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? long.TryParse(whole.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number)
            : long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return number;
        }

        return double.TryParse(word, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var fraction)
            ? fraction
            : throw Unexpected();
    }

    /// <summary>A text between quotes, with escapes unless <c>r</c> stands before it; null when none comes.</summary>
    public string? TakeText()
    {
        Space();
        var raw = Current is 'r' or 'R' && _at + 1 < text.Length && text[_at + 1] is '"' or '\'';
        if (!raw && Current is not ('"' or '\''))
        {
            return null;
        }

        _at += raw ? 1 : 0;
        var quote = text[_at++];
        var value = new StringBuilder();
        while (Current != quote)
        {
            if (_at >= text.Length)
            {
                throw Unexpected();
            }

            if (Current == '\\' && !raw)
            {
                value.Append(Escape());
            }
            else
            {
                value.Append(text[_at++]);
            }
        }

        _at++;
        return value.ToString();
    }

    public FormatException Unexpected() => new($"expression '{text}': cannot be understood at position {_at}");

    private bool IsHex(int start) => text.AsSpan(start).StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    private string Escape()
    {
        _at++;
        var letter = Current;
        _at++;
        return letter switch
        {
            'a' => "\a", 'b' => "\b", 'f' => "\f", 'n' => "\n", 'r' => "\r", 't' => "\t", 'v' => "\v",
            '\\' or '"' or '\'' or '`' or '?' => letter.ToString(),
            'x' or 'X' => Code(2), 'u' => Code(4), 'U' => Code(8),
            _ => throw Unexpected(),
        };
    }

    private string Code(int digits)
    {
        if (_at + digits > text.Length || !int.TryParse(text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || !Rune.IsValid(code))
        {
            throw Unexpected();
        }

        _at += digits;
        return new Rune(code).ToString();
    }

    private void Space()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private static bool IsLetter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter == '_';
}
