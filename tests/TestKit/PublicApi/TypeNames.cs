using System.Reflection;

namespace TestKit.PublicApi;

/// <summary>Writes types as C# does: keywords, generic arguments, <c>?</c>, and namespaces except the everyday ones.</summary>
internal static class TypeNames
{
    private static readonly HashSet<string> WithoutNamespace =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http",
        "System.Threading", "System.Threading.Tasks", "System.Text.Json",
    ];

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(char)] = "char",
        [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(decimal)] = "decimal", [typeof(string)] = "string", [typeof(object)] = "object", [typeof(void)] = "void",
    };

    /// <summary>Names one type. Names of tuple elements come in the order of TupleElementNamesAttribute and are used up.</summary>
    public static string Of(Type type, NullabilityInfo? nullability = null, Queue<string?>? tupleNames = null)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability, tupleNames);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Of(underlying, null, tupleNames) + "?";
        }

        var mark = !type.IsValueType && nullability?.ReadState == NullabilityState.Nullable ? "?" : "";
        if (type.IsArray)
        {
            return $"{Of(type.GetElementType()!, nullability?.ElementType, tupleNames)}[]{mark}";
        }

        if (type.IsGenericParameter)
        {
            // Reflection tells T from T? only where a constraint does.
            return type.Name;
        }

        return (Keywords.TryGetValue(type, out var keyword) ? keyword : Full(type, nullability, tupleNames)) + mark;
    }

    private static string Full(Type type, NullabilityInfo? nullability, Queue<string?>? tupleNames)
    {
        var arguments = type.GetGenericArguments();
        var inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var name = type.Name.Split('`')[0];
        if (arguments.Length > inherited)
        {
            var isTuple = type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) ?? type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal);
            var elements = isTuple ? arguments.Select(_ => tupleNames is { Count: > 0 } ? tupleNames.Dequeue() : null).ToList() : [];
            var infos = nullability?.GenericTypeArguments ?? [];
            var written = arguments.Skip(inherited)
                .Select((a, i) => Of(a, i + inherited < infos.Length ? infos[i + inherited] : null, tupleNames)).ToList();
            if (isTuple)
            {
                return $"({string.Join(", ", written.Zip(elements, (of, element) => element is null ? of : $"{of} {element}"))})";
            }

            name += $"<{string.Join(", ", written)}>";
        }

        if (type.DeclaringType is { } outer)
        {
            return $"{Full(outer, null, null)}.{name}";
        }

        return type.Namespace is null || WithoutNamespace.Contains(type.Namespace) ? name : $"{type.Namespace}.{name}";
    }
}
