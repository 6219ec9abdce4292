using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sidecar.Runtime.Expressions;

/// <summary>
/// Values are null, <see cref="bool"/>, <see cref="long"/>, <see cref="double"/>, <see cref="string"/>, lists (<see cref="List{T}"/>), maps
/// (<see cref="Dictionary{TKey, TValue}"/>), and objects and arrays of JSON as they are. Numbers of JSON are doubles, as in Dapr.
/// </summary>
internal static class CelValue
{
    /// <summary>A scalar of JSON as what it is; an int as a long.</summary>
    public static object? Of(object? value) => value switch
    {
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
        JsonElement { ValueKind: JsonValueKind.Number } element => element.GetDouble(),
        JsonElement { ValueKind: JsonValueKind.True } => true,
        JsonElement { ValueKind: JsonValueKind.False } => false,
        JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        int number => (long)number,
        _ => value,
    };

    /// <summary>A field of an object or map, an item of a list.</summary>
    public static object? Index(object? target, object? key) => (target, key) switch
    {
        (JsonElement { ValueKind: JsonValueKind.Object } element, string name) => element.TryGetProperty(name, out var value) ? Of(value) : CelError.Value,
        (Dictionary<object, object?> map, not null) => map.TryGetValue(key, out var value) ? value : CelError.Value,
        (_, long or double) when Items(target) is { } items =>
            Number(key) is var at && at >= 0 && at < items.Count && at == Math.Floor(at) ? items[(int)at] : CelError.Value,
        _ => CelError.Value,
    };

    public static object In(object? item, object? target) => target switch
    {
        JsonElement { ValueKind: JsonValueKind.Object } element => item is string name && element.TryGetProperty(name, out _),
        Dictionary<object, object?> map => item is not null && map.ContainsKey(item),
        _ => Items(target) is { } items ? items.Any(other => AreEqual(item, other)) : CelError.Value,
    };

    /// <summary>Characters of a text (code points), items of a list, entries of a map.</summary>
    public static object Size(object? value) => value switch
    {
        string text => (long)text.EnumerateRunes().Count(),
        JsonElement { ValueKind: JsonValueKind.Object } element => (long)element.GetPropertyCount(),
        Dictionary<object, object?> map => (long)map.Count,
        _ => Items(value) is { } items ? (long)items.Count : CelError.Value,
    };

    public static IReadOnlyList<object?>? Items(object? value) => value switch
    {
        List<object?> list => list,
        JsonElement { ValueKind: JsonValueKind.Array } element => [.. element.EnumerateArray().Select(item => Of(item))],
        _ => null,
    };

    /// <summary>What a macro goes through: the items of a list, the keys of a map.</summary>
    public static IReadOnlyList<object?>? Range(object? value) => value switch
    {
        JsonElement { ValueKind: JsonValueKind.Object } element => [.. element.EnumerateObject().Select(member => member.Name)],
        Dictionary<object, object?> map => [.. map.Keys],
        _ => Items(value),
    };

    /// <summary>Values of different kinds are different, but numbers are compared as numbers.</summary>
    public static bool AreEqual(object? left, object? right)
    {
        if (left is long or double && right is long or double)
        {
            return left is long a && right is long b ? a == b : Number(left) == Number(right);
        }

        if (Items(left) is { } first && Items(right) is { } second)
        {
            return first.Count == second.Count && first.Zip(second).All(pair => AreEqual(pair.First, pair.Second));
        }

        return Entries(left) is { } ours && Entries(right) is { } theirs
            ? ours.Count == theirs.Count && ours.All(entry => theirs.TryGetValue(entry.Key, out var other) && AreEqual(entry.Value, other))
            : Equals(left, right);
    }

    /// <summary>Negative, zero or positive; null when there is no order.</summary>
    public static int? Compare(object? left, object? right) => (left, right) switch
    {
        (long a, long b) => a.CompareTo(b),
        (long or double, long or double) => Number(left) is var a && Number(right) is var b && !double.IsNaN(a) && !double.IsNaN(b) ? a.CompareTo(b) : null,
        (string a, string b) => string.CompareOrdinal(a, b),
        (bool a, bool b) => a.CompareTo(b),
        _ => null,
    };

    /// <summary>As in CEL a whole number and one with a fraction are not added without a conversion.</summary>
    public static object Calculate(char sign, object? left, object? right)
    {
        try
        {
            return (sign, left, right) switch
            {
                ('+', long a, long b) => checked(a + b),
                ('-', long a, long b) => checked(a - b),
                ('*', long a, long b) => checked(a * b),
                ('/', long a, long b) => a / b,
                ('%', long a, long b) => a % b,
                ('+', double a, double b) => a + b,
                ('-', double a, double b) => a - b,
                ('*', double a, double b) => a * b,
                ('/', double a, double b) => a / b,
                ('+', string a, string b) => a + b,
                ('+', _, _) when Items(left) is { } a && Items(right) is { } b => new List<object?>([.. a, .. b]),
                _ => CelError.Value,
            };
        }
        catch (ArithmeticException)
        {
            return CelError.Value;
        }
    }

    public static object ToInt(object? value) => value switch
    {
        long => value,
        double number when number is > long.MinValue and < long.MaxValue => (long)number,
        string text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => CelError.Value,
    };

    public static object ToDouble(object? value) => value switch
    {
        double => value,
        long number => (double)number,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => CelError.Value,
    };

    public static object ToText(object? value) => value switch
    {
        string => value,
        bool flag => flag ? "true" : "false",
        long or double => string.Create(CultureInfo.InvariantCulture, $"{value}"),
        _ => CelError.Value,
    };

    public static object ToBool(object? value) => value switch
    {
        bool => value,
        "true" or "True" or "TRUE" or "t" or "1" => true,
        "false" or "False" or "FALSE" or "f" or "0" => false,
        _ => CelError.Value,
    };

    private static double Number(object? value) => value is long whole ? whole : (double)value!;

    private static Dictionary<object, object?>? Entries(object? value) => value switch
    {
        Dictionary<object, object?> map => map,
        JsonElement { ValueKind: JsonValueKind.Object } element => element.EnumerateObject().ToDictionary(member => (object)member.Name, member => Of(member.Value)),
        _ => null,
    };
}
