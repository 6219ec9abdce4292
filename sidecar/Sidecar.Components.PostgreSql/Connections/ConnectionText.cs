using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// Takes a <c>connectionString</c> apart into names and values. It has one of three forms: an address (<c>postgres://user:password@host:port/database?name=value</c>),
/// words (<c>host=localhost user=postgres password='with blank'</c>), which are Dapr's, or .NET's <c>Host=localhost;Username=postgres</c>.
/// </summary>
internal static class ConnectionText
{
    /// <summary>Names as PostgreSQL's own clients have them; .NET's form is not taken apart here, see <see cref="IsDotNet"/>.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text) =>
        text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
            ? ParseAddress(text)
            : [.. ParseWords(text)];

    /// <summary>Whether the first value ends in a semicolon. Among words a value with one is put in quotes: <c>password='a;b'</c>.</summary>
    public static bool IsDotNet(string text)
    {
        var value = text.IndexOf('=') + 1;
        var end = text.AsSpan(value).IndexOfAny(";' \t\n");
        return end > 0 && text[value + end] == ';' && !text.Contains("://", StringComparison.Ordinal);
    }

    private static List<KeyValuePair<string, string>> ParseAddress(string text)
    {
        // A password often has characters that .NET's Uri takes for the end of the address; libpq reads up to the last '@'.
        var rest = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var query = rest.IndexOf('?', Math.Max(0, rest.LastIndexOf('@')));
        var parameters = query < 0 ? "" : rest[(query + 1)..];
        rest = query < 0 ? rest : rest[..query];
        var at = rest.LastIndexOf('@');
        var (user, password) = Split(at < 0 ? "" : rest[..at], ':');
        var (authority, database) = Split(rest[(at + 1)..], '/');
        var portAt = authority.LastIndexOf(':');
        var hasPort = portAt > authority.LastIndexOf(']');
        (string Name, string Value)[] parts =
        [
            ("user", user), ("password", password), ("host", (hasPort ? authority[..portAt] : authority).Trim('[', ']')),
            ("port", hasPort ? authority[(portAt + 1)..] : ""), ("dbname", database),
            .. parameters.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => Split(pair, '=')),
        ];
        return [.. parts.Where(part => part.Value.Length > 0).Select(part => KeyValuePair.Create(part.Name, Uri.UnescapeDataString(part.Value)))];
    }

    private static (string, string) Split(string text, char separator) =>
        text.IndexOf(separator) is >= 0 and var index ? (text[..index], text[(index + 1)..]) : (text, "");

    private static IEnumerable<KeyValuePair<string, string>> ParseWords(string text)
    {
        for (var i = 0; SkipBlanks(text, ref i);)
        {
            var equals = text.IndexOf('=', i);
            if (equals < 0)
            {
                throw new ComponentException($"metadata 'connectionString': there is no '=' after word {text[..i].Count(c => c == '=') + 1}; the form is: host=localhost user=postgres …");
            }

            var name = text[i..equals].Trim();
            i = equals + 1;
            SkipBlanks(text, ref i);
            yield return KeyValuePair.Create(name, ReadValue(text, ref i));
        }
    }

    /// <summary>Up to a blank, or to the closing quote; a backslash takes the next character as it is.</summary>
    private static string ReadValue(string text, ref int i)
    {
        var quoted = i < text.Length && text[i] == '\'';
        var value = new StringBuilder();
        for (i += quoted ? 1 : 0; i < text.Length; i++)
        {
            if (quoted ? text[i] == '\'' : char.IsWhiteSpace(text[i]))
            {
                i++;
                return value.ToString();
            }

            i += text[i] == '\\' && i + 1 < text.Length ? 1 : 0;
            value.Append(text[i]);
        }

        return quoted ? throw new ComponentException("metadata 'connectionString': a quote ' is not closed") : value.ToString();
    }

    private static bool SkipBlanks(string text, ref int i)
    {
        while (i < text.Length && char.IsWhiteSpace(text[i]))
        {
            i++;
        }

        return i < text.Length;
    }
}
