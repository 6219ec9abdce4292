using System.Text.Json;
using Sidecar.Runtime.Expressions;

namespace Sidecar.Runtime.Tests;

/// <summary>The expressions of rules and trip conditions.</summary>
public sealed class CelExpressionTests
{
    private const string Event = """
        {"type":"widget","id":"A-7","data":{"n":5,"price":2.5,"paid":true,"note":null,"tags":["new","sale"],"customer":{"name":"Jürg","äge":3},"lines":[{"qty":1},{"qty":4}]},"ce-x":"dash"}
        """;

    [Theory]
    [InlineData("event.type == 'widget' && event.data.n > 4")]
    [InlineData("""event.type == "gadget" || event.data.n == 5""")]
    [InlineData("event.data.price * 2.0 + 1.0 >= 6.0 && 7 % 4 == 3 && -2 * 3 == -6 && 2 + 3 * 4 == 14 && (2 + 3) * 4 == 20")]
    [InlineData("event.data.paid ? event.data.n == 5 : event.missing")]
    [InlineData("event.data.note == null && has(event.data.note) && !has(event.data.other)")]
    [InlineData("event.id.startsWith('A-') && event.id.endsWith('7') && event.id.contains('-') && event.id.matches('^[A-Z]-[0-9]+$')")]
    [InlineData("matches(event.id, 'A')")]
    [InlineData("size(event.data.tags) == 2 && event.data.customer.name.size() == 4 && size({'a': 1}) == 1 && size('') == 0")]
    [InlineData("'new' in event.data.tags && event.data.n in [1, 3, 5] && 'n' in event.data && !('x' in {'a': 1})")]
    [InlineData("event['ce-x'] == 'dash' && event.data.tags[1] == 'sale' && {'a': [1, 2]}['a'][0] == 1")]
    [InlineData("event.data.tags == ['new', 'sale'] && {'b': 2, 'a': 1} == {'a': 1, 'b': 2.0}")]
    [InlineData("event.data.lines.exists(l, l.qty > 3.0) && event.data.lines.all(l, l.qty > 0) && event.data.lines.exists_one(line, line.qty == 1)")]
    [InlineData("event.data.lines.filter(l, l.qty > 3).size() == 1 && [1, 2].map(x, x * x) == [1, 4] && event.data.customer.exists(k, k == 'name')")]
    [InlineData("int('42') == 42 && int(2.9) == 2 && double(1) == 1.0 && string(7) + '!' == '7!' && bool('true') && uint(3) == 3u && 0x1F == 31 && 1.5e3 == 1500.0")]
    [InlineData("'a\\tb\\u00e9' == 'a\\x09b\\u00E9' && r'a\\b' == 'a\\\\b' && \"it's\" == 'it\\'s'")]
    [InlineData("event.missing.deeper == 1 || event.type == 'widget'")]
    [InlineData("!(event.missing == 1 && event.type == 'gadget')")]
    [InlineData("'a' < 'b' && 1 < 1.5 && false < true && [1] + [2] == [1, 2]")]
    public void Is_true(string expression) => Assert.True(Evaluate(expression));

    [Theory]
    [InlineData("event.missing == 1")]
    [InlineData("event.missing != 1")]
    [InlineData("event.type")]
    [InlineData("event.type > 3")]
    [InlineData("1 + 1.5 == 2.5")]
    [InlineData("1 / 0 == 1")]
    [InlineData("9223372036854775807 + 1 > 0")]
    [InlineData("event.data.tags[2] == 'x'")]
    [InlineData("event.data.tags[-1] == 'x'")]
    [InlineData("event.id.matches('(')")]
    [InlineData("!event.type")]
    [InlineData("int('x') == 0")]
    [InlineData("event.type.exists(c, c == 'w')")]
    public void Is_false_or_an_error(string expression) => Assert.False(Evaluate(expression));

    [Theory]
    [InlineData("")]
    [InlineData("event.type ==")]
    [InlineData("event.type = 'x'")]
    [InlineData("'open")]
    [InlineData("'\\q'")]
    [InlineData("(event.type")]
    [InlineData("other.type == 1")]
    [InlineData("event.type == 1 event")]
    [InlineData("timestamp('2026-01-01T00:00:00Z') > event.time")]
    [InlineData("size(1, 2)")]
    [InlineData("has(event)")]
    [InlineData("[1, 2].map(1, 2)")]
    [InlineData("1.2.3 == 1")]
    public void Is_refused(string expression) => Assert.Throws<FormatException>(() => CelExpression.Compile(expression, "event"));

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("has(", "event.x", ")")]
    [InlineData("size([", "1", "])")]
    [InlineData("true ? 1 : ", "1", "")]
    public void Deep_nesting_is_refused_and_ends_no_process(string open, string middle, string close) => Assert.Throws<FormatException>(() =>
        CelExpression.Compile(string.Concat(Enumerable.Repeat(open, 100_000)) + middle + string.Concat(Enumerable.Repeat(close, 100_000)), "event"));

    private static bool Evaluate(string expression)
    {
        using var document = JsonDocument.Parse(Event);
        return CelExpression.Compile(expression, "event").IsTrue(("event", document.RootElement));
    }
}
