namespace Users.Accounts;

/// <summary>Korean mobile numbers.</summary>
public static class PhoneNumber
{
    /// <summary>
    /// <c>010-1234-5678</c> or <c>011-123-4567</c> from any punctuation, with or without the country code 82; null when it is no
    /// mobile number.
    /// </summary>
    public static string? Normalize(string text)
    {
        var digits = string.Concat(text.Where(char.IsAsciiDigit));
        if (digits.StartsWith("82", StringComparison.Ordinal) && digits.Length >= 11)
        {
            digits = "0" + digits[2..];
        }

        return digits switch
        {
            { Length: 11 } when digits.StartsWith("010", StringComparison.Ordinal) => $"{digits[..3]}-{digits[3..7]}-{digits[7..]}",
            { Length: 10 } when digits.StartsWith("01", StringComparison.Ordinal) => $"{digits[..3]}-{digits[3..6]}-{digits[6..]}",
            _ => null,
        };
    }
}
