using System.Globalization;
using System.Text.Json;

namespace Sidecar.Runtime.PubSub;

/// <summary>
/// The routing rules of subscriptions: the part of CEL that they use. Comparisons of fields of <c>event</c> (also nested),
/// texts, numbers and booleans with <c>== != &lt; &lt;= &gt; &gt;= in</c>, <c>has()</c>, <c>&amp;&amp; || !</c> and parentheses. Anything else is refused
/// when the subscription starts. The package Cel would replace this file.
/// </summary>
public static class RuleExpression
{
    /// <summary>Compiles; throws <see cref="FormatException"/> that names the place. A field that is missing makes a comparison false.</summary>
    public static Func<JsonElement, bool> Compile(string expression)
    {
        var parser = new Parser(expression);
        var result = parser.Or();
        parser.End();
        return element => result(element) is true;
    }

    private delegate object? Node(JsonElement message);

    private sealed class Parser(string text)
    {
        private int _at;

        public Node Or()
        {
            var left = And();
            while (Take("||"))
            {
                var (first, second) = (left, And());
                left = message => first(message) is true || second(message) is true;
            }

            return left;
        }

        public void End()
        {
            Space();
            if (_at < text.Length)
            {
                throw Unexpected();
            }
        }

        private Node And()
        {
            var left = Comparison();
            while (Take("&&"))
            {
                var (first, second) = (left, Comparison());
                left = message => first(message) is true && second(message) is true;
            }

            return left;
        }

        private Node Comparison()
        {
            var left = Unary();
            foreach (var sign in (string[])["==", "!=", "<=", ">=", "<", ">"])
            {
                if (Take(sign))
                {
                    var right = Unary();
                    return message => Compare(left(message), sign, right(message));
                }
            }

            if (TakeWord("in"))
            {
                var list = List();
                return message => left(message) is { } value && list.Any(item => Equals(item(message), value));
            }

            return left;
        }

        private Node Unary()
        {
            if (Take("!"))
            {
                var inner = Unary();
                return message => inner(message) is not true;
            }

            if (Take("("))
            {
                var inner = Or();
                Expect(")");
                return inner;
            }

            if (TakeWord("has"))
            {
                Expect("(");
                var path = Path();
                Expect(")");
                return message => Find(message, path) is not null;
            }

            return Literal() ?? Field();
        }

        private Node? Literal()
        {
            Space();
            if (_at < text.Length && text[_at] is '"' or '\'')
            {
                var quote = text[_at];
                var end = text.IndexOf(quote, _at + 1);
                if (end < 0)
                {
                    throw Unexpected();
                }

                object value = text[(_at + 1)..end];
                _at = end + 1;
                return _ => value;
            }

            if (_at < text.Length && (char.IsAsciiDigit(text[_at]) || text[_at] == '-'))
            {
                var start = _at++;
                while (_at < text.Length && (char.IsAsciiDigit(text[_at]) || text[_at] == '.'))
                {
                    _at++;
                }

                object number = double.Parse(text.AsSpan(start, _at - start), CultureInfo.InvariantCulture);
                return _ => number;
            }

            return TakeWord("true") ? static _ => true : TakeWord("false") ? static _ => false : null;
        }

        private Node Field()
        {
            var path = Path();
            return message => Find(message, path) switch
            {
                { ValueKind: JsonValueKind.String } value => value.GetString(),
                { ValueKind: JsonValueKind.Number } value => value.GetDouble(),
                { ValueKind: JsonValueKind.True } => true,
                { ValueKind: JsonValueKind.False } => false,
                _ => null,
            };
        }

        private List<Node> List()
        {
            Expect("[");
            var items = new List<Node>();
            if (!Take("]"))
            {
                do
                {
                    items.Add(Literal() ?? throw Unexpected());
                }
                while (Take(","));
                Expect("]");
            }

            return items;
        }

        private string[] Path()
        {
            Space();
            var start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '.'))
            {
                _at++;
            }

            var parts = text[start.._at].Split('.');
            return parts is ["event", _, ..] && parts.All(part => part.Length > 0) ? parts[1..] : throw new FormatException($"rule '{text}': 'event.<field>' is expected at {start}");
        }

        private bool Take(string token)
        {
            Space();
            if (!text.AsSpan(_at).StartsWith(token, StringComparison.Ordinal) || (token == "!" && text.AsSpan(_at).StartsWith("!=", StringComparison.Ordinal)))
            {
                return false;
            }

            _at += token.Length;
            return true;
        }

        private bool TakeWord(string word)
        {
            Space();
            var end = _at + word.Length;
            if (!text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal) || (end < text.Length && char.IsAsciiLetterOrDigit(text[end])))
            {
                return false;
            }

            _at = end;
            return true;
        }

        private void Expect(string token)
        {
            if (!Take(token))
            {
                throw Unexpected();
            }
        }

        private void Space()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            {
                _at++;
            }
        }

        private FormatException Unexpected() => new($"rule '{text}': cannot be understood at position {_at}");

        private static JsonElement? Find(JsonElement message, string[] path)
        {
            foreach (var part in path)
            {
                if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty(part, out message))
                {
                    return null;
                }
            }

            return message;
        }

        private static object Compare(object? left, string sign, object? right)
        {
            if (sign is "==" or "!=")
            {
                return Equals(left, right) == (sign == "==");
            }

            var order = (left, right) switch
            {
                (double a, double b) => a.CompareTo(b),
                (string a, string b) => string.CompareOrdinal(a, b),
                _ => (int?)null,
            };
            return sign switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
        }
    }
}
