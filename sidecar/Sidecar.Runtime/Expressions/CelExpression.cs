namespace Sidecar.Runtime.Expressions;

/// <summary>
/// An expression of the Common Expression Language, as the rules of subscriptions and the trip conditions of circuit breakers are written:
/// all operators, literals, lists, maps, indexes, <c>has</c>, <c>size</c>, the functions of texts, conversions between bool, numbers and
/// texts, and the macros <c>all exists exists_one filter map</c>. Times, bytes and protobuf messages are not there: what names them is
/// refused when it is compiled.
/// </summary>
public sealed class CelExpression
{
    private readonly CelNode _node;

    private CelExpression(CelNode node) => _node = node;

    /// <summary>Compiles an expression over the named variables; throws <see cref="FormatException"/> that names the place.</summary>
    public static CelExpression Compile(string text, params IReadOnlyCollection<string> variables) => new(new CelParser(text, variables).Parse());

    /// <summary>Whether it evaluates to true. An error (a missing field, a wrong type) is not true.</summary>
    public bool IsTrue(params ReadOnlySpan<(string Name, object? Value)> variables)
    {
        CelScope? scope = null;
        foreach (var (name, value) in variables)
        {
            scope = new CelScope(scope, name, value);
        }

        return _node(scope) is true;
    }
}

/// <summary>Evaluates a part of an expression; the result is a value or <see cref="CelError"/>.</summary>
internal delegate object? CelNode(CelScope? scope);

/// <summary>A variable and those around it.</summary>
internal sealed record CelScope(CelScope? Outer, string Name, object? Value)
{
    public static object? Find(CelScope? scope, string name)
    {
        for (; scope is not null; scope = scope.Outer)
        {
            if (scope.Name == name)
            {
                return CelValue.Of(scope.Value);
            }
        }

        return CelError.Value;
    }
}

/// <summary>What an evaluation that failed results in. <c>&amp;&amp;</c>, <c>||</c> and <c>?:</c> may still come to a result without it.</summary>
internal sealed class CelError
{
    public static readonly object Value = new CelError();

    private CelError()
    {
    }
}
