using System.Globalization;
using System.Text.Json;

namespace Sidecar.Runtime.Expressions;

/// <summary>Compiles by recursive descent, each method one level of the grammar of the language definition.</summary>
internal sealed class CelParser(string text, IReadOnlyCollection<string> variables)
{
    /// <summary>Deepest nesting: a rule comes from an app, and the stack is the sidecar's.</summary>
    private const int MaxDepth = 100;

    private static readonly string[] Relations = ["==", "!=", "<=", ">=", "<", ">"];
    private static readonly string[] Macros = ["all", "exists", "exists_one", "filter", "map"];

    private readonly CelTokens _tokens = new(text);
    private readonly Stack<string> _locals = new(variables);
    private int _depth;

    public CelNode Parse()
    {
        var node = Ternary();
        return _tokens.AtEnd ? node : throw _tokens.Unexpected();
    }

    private CelNode Ternary()
    {
        if (++_depth > MaxDepth)
        {
            throw new FormatException($"expression '{text}': nested too deeply");
        }

        var condition = Or();
        if (_tokens.Take("?"))
        {
            var yes = Ternary();
            _tokens.Expect(":");
            var no = Ternary();
            var test = condition;
            condition = scope => test(scope) switch { true => yes(scope), false => no(scope), _ => CelError.Value };
        }

        _depth--;
        return condition;
    }

    /// <summary>One true side decides, whatever the other is.</summary>
    private CelNode Or()
    {
        var left = And();
        while (_tokens.Take("||"))
        {
            var (first, second) = (left, And());
            left = scope => Decide(first, second, scope, decisive: true);
        }

        return left;
    }

    private CelNode And()
    {
        var left = Relation();
        while (_tokens.Take("&&"))
        {
            var (first, second) = (left, Relation());
            left = scope => Decide(first, second, scope, decisive: false);
        }

        return left;
    }

    private static object Decide(CelNode first, CelNode second, CelScope? scope, bool decisive)
    {
        var left = first(scope);
        if (left is bool one && one == decisive)
        {
            return decisive;
        }

        return second(scope) is not bool other ? CelError.Value : other == decisive ? decisive : left is bool ? !decisive : CelError.Value;
    }

    private CelNode Relation()
    {
        var left = Sum();
        while (true)
        {
            var first = left;
            if (Relations.FirstOrDefault(_tokens.Take) is { } sign)
            {
                var second = Sum();
                left = scope => Both(first(scope), second(scope), (a, b) => Compare(a, sign, b));
            }
            else if (_tokens.TakeWord("in"))
            {
                var second = Sum();
                left = scope => Both(first(scope), second(scope), CelValue.In);
            }
            else
            {
                return left;
            }
        }
    }

    private static object Compare(object? left, string sign, object? right)
    {
        if (sign is "==" or "!=")
        {
            return CelValue.AreEqual(left, right) == (sign == "==");
        }

        return CelValue.Compare(left, right) is not { } order ? CelError.Value : sign switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    private CelNode Sum() => Operators(Product, "+", "-");

    private CelNode Product() => Operators(Unary, "*", "/", "%");

    private CelNode Operators(Func<CelNode> operand, params string[] signs)
    {
        var left = operand();
        while (signs.FirstOrDefault(_tokens.Take) is { } sign)
        {
            var (first, second) = (left, operand());
            left = scope => Both(first(scope), second(scope), (a, b) => CelValue.Calculate(sign[0], a, b));
        }

        return left;
    }

    private CelNode Unary()
    {
        var signs = new List<char>();
        while (_tokens.TakeAny("!-") is { } sign)
        {
            signs.Add(sign);
        }

        var node = Member();
        foreach (var sign in Enumerable.Reverse(signs))
        {
            var inner = node;
            node = sign == '!'
                ? scope => inner(scope) is bool value ? !value : CelError.Value
                : scope => inner(scope) switch { long and not long.MinValue and var value => -value, double value => -value, _ => CelError.Value };
        }

        return node;
    }

    private CelNode Member()
    {
        var node = Primary();
        while (true)
        {
            var target = node;
            if (_tokens.Take("."))
            {
                var name = _tokens.Identifier();
                node = !_tokens.Take("(") ? scope => CelValue.Index(target(scope), name)
                    : Macros.Contains(name) ? Macro(name, target)
                    : Call(name, [target, .. List(")")]);
            }
            else if (_tokens.Take("["))
            {
                var key = Ternary();
                _tokens.Expect("]");
                node = scope => Both(target(scope), key(scope), CelValue.Index);
            }
            else
            {
                return node;
            }
        }
    }

    private CelNode Primary()
    {
        if (_tokens.Take("("))
        {
            var inner = Ternary();
            _tokens.Expect(")");
            return inner;
        }

        if (_tokens.Take("["))
        {
            var items = List("]");
            return scope => Values(items, scope) is { } values ? values : CelError.Value;
        }

        if (_tokens.Take("{"))
        {
            return Map();
        }

        if (_tokens.TakeText() is { } literal)
        {
            return _ => literal;
        }

        if (_tokens.TakeNumber() is { } number)
        {
            return _ => number;
        }

        return _tokens.TakeWord("true") ? static _ => true : _tokens.TakeWord("false") ? static _ => false : _tokens.TakeWord("null") ? static _ => null : Named();
    }

    private CelNode Named()
    {
        var name = _tokens.Identifier();
        if (_tokens.Take("("))
        {
            return name == "has" ? Has() : Call(name, List(")"));
        }

        return _locals.Contains(name) ? scope => CelScope.Find(scope, name)
            : throw new FormatException($"expression '{text}': '{name}' is unknown; there is {string.Join(", ", variables)}");
    }

    /// <summary><c>has(a.b)</c>: whether the field is there.</summary>
    private CelNode Has()
    {
        var start = _tokens.Position;
        var node = Ternary();
        _tokens.Expect(")");
        return text[start.._tokens.Position].Contains('.', StringComparison.Ordinal)
            ? scope => node(scope) is not CelError
            : throw new FormatException($"expression '{text}': has() needs a field");
    }

    private CelNode Macro(string name, CelNode target)
    {
        var variable = _tokens.Identifier();
        _tokens.Expect(",");
        _locals.Push(variable);
        var body = Ternary();
        _locals.Pop();
        _tokens.Expect(")");
        return scope =>
        {
            if (CelValue.Range(target(scope)) is not { } range)
            {
                return CelError.Value;
            }

            var results = range.Select(item => body(new CelScope(scope, variable, item))).ToList();
            return name switch
            {
                "all" => results.Contains(false) ? false : results.All(result => result is true) ? true : CelError.Value,
                "exists" => results.Contains(true) ? true : results.All(result => result is false) ? false : CelError.Value,
                _ when results.Any(result => result is CelError) => CelError.Value,
                "exists_one" => results.Count(result => result is true) == 1,
                "filter" => range.Zip(results).Where(pair => pair.Second is true).Select(pair => pair.First).ToList(),
                _ => results,
            };
        };
    }

    private CelNode Map()
    {
        var entries = new List<(CelNode Key, CelNode Value)>();
        while (!_tokens.Take("}"))
        {
            var key = Ternary();
            _tokens.Expect(":");
            entries.Add((key, Ternary()));
            if (!_tokens.Take(","))
            {
                _tokens.Expect("}");
                break;
            }
        }

        return scope =>
        {
            var map = new Dictionary<object, object?>();
            foreach (var (key, value) in entries)
            {
                if (key(scope) is not (string or long or bool) || value(scope) is CelError || !map.TryAdd(key(scope)!, value(scope)))
                {
                    return CelError.Value;
                }
            }

            return map;
        };
    }

    private List<CelNode> List(string end)
    {
        var items = new List<CelNode>();
        while (!_tokens.Take(end))
        {
            items.Add(Ternary());
            if (!_tokens.Take(","))
            {
                _tokens.Expect(end);
                break;
            }
        }

        return items;
    }

    private CelNode Call(string name, IReadOnlyList<CelNode> arguments) => CelFunctions.Call(name, arguments)
        ?? throw new FormatException($"expression '{text}': there is no function {name} with {arguments.Count} arguments");

    private static List<object?>? Values(List<CelNode> items, CelScope? scope)
    {
        var values = items.ConvertAll(item => item(scope));
        return values.Any(value => value is CelError) ? null : values;
    }

    private static object? Both(object? left, object? right, Func<object?, object?, object?> combine) =>
        left is CelError || right is CelError ? CelError.Value : combine(left, right);
}
