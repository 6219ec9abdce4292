using System.Text.RegularExpressions;

namespace Sidecar.Runtime.Expressions;

/// <summary>The functions of CEL by name and number of arguments; of a method the target is the first argument.</summary>
internal static class CelFunctions
{
    private static readonly Dictionary<string, (int Arguments, Func<object?[], object?> Body)> Functions = new(StringComparer.Ordinal)
    {
        ["size"] = (1, arguments => CelValue.Size(arguments[0])),
        ["int"] = (1, arguments => CelValue.ToInt(arguments[0])),
        ["uint"] = (1, arguments => CelValue.ToInt(arguments[0]) is long and >= 0 and var number ? number : CelError.Value),
        ["double"] = (1, arguments => CelValue.ToDouble(arguments[0])),
        ["string"] = (1, arguments => CelValue.ToText(arguments[0])),
        ["bool"] = (1, arguments => CelValue.ToBool(arguments[0])),
        ["dyn"] = (1, arguments => arguments[0]),
        ["startsWith"] = (2, arguments => Texts(arguments, static (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        ["endsWith"] = (2, arguments => Texts(arguments, static (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        ["contains"] = (2, arguments => Texts(arguments, static (text, part) => text.Contains(part, StringComparison.Ordinal))),
        ["matches"] = (2, arguments => Texts(arguments, Matches)),
    };

    /// <summary>Null when there is no such function.</summary>
    public static CelNode? Call(string name, IReadOnlyList<CelNode> arguments) =>
        !Functions.TryGetValue(name, out var function) || function.Arguments != arguments.Count ? null : scope =>
        {
            var values = new object?[arguments.Count];
            for (var index = 0; index < values.Length; index++)
            {
                values[index] = arguments[index](scope);
                if (values[index] is CelError)
                {
                    return CelError.Value;
                }
            }

            return function.Body(values);
        };

    private static object Texts(object?[] arguments, Func<string, string, bool> test)
    {
        try
        {
            return arguments is [string text, string part] ? test(text, part) : CelError.Value;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return CelError.Value;
        }
    }

    /// <summary>Without backtracking, as RE2: no text can make it slow. The runtime keeps the patterns in use.</summary>
    private static bool Matches(string text, string pattern) =>
        Regex.IsMatch(text, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
