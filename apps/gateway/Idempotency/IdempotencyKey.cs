using System.Text;

namespace Gateway.Idempotency;

/// <summary>
/// The header <c>Idempotency-Key</c>: a string of RFC 9651 §3.3.3 (draft-ietf-httpapi-idempotency-key-header §2.1), or, since nearly every client
/// sends it so, the bare key. Alias <c>X-Idempotency-Key</c>.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    public const string Alias = "X-Idempotency-Key";

    public const int MaxLength = 255;

    /// <summary>Reads the key, null when there is none. False: it is malformed, or there are two.</summary>
    public static bool TryRead(IHeaderDictionary headers, out string? key)
    {
        key = null;
        string?[] values = [.. headers[Header], .. headers[Alias]];
        return values.Length == 0 || (values.Distinct().Count() == 1 && TryParse(values[0]?.Trim() ?? "", out key));
    }

    private static bool TryParse(string value, out string? key)
    {
        key = value.StartsWith('"') ? Unquoted(value) : value.Contains('"') || value.Contains(',') || value.Contains(' ') ? null : value;
        return key is { Length: > 0 and <= MaxLength } && key.All(c => c is >= ' ' and <= '~');
    }

    private static string? Unquoted(string value)
    {
        var text = new StringBuilder(value.Length);
        for (var i = 1; i < value.Length; i++)
        {
            switch (value[i])
            {
                case '"':
                    return i == value.Length - 1 ? text.ToString() : null;
                case '\\' when i + 1 < value.Length && value[i + 1] is '"' or '\\':
                    text.Append(value[++i]);
                    break;
                case '\\':
                    return null;
                case var c:
                    text.Append(c);
                    break;
            }
        }

        return null;
    }
}
