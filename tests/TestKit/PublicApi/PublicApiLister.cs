using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace TestKit.PublicApi;

/// <summary>
/// Writes the public and protected surface of an assembly, one line for each type and member, in the text form of the
/// official lists of the Dapr SDK. Attributes are left out; see <see cref="PublicApiCheck"/> for the comparison.
/// </summary>
public static class PublicApiLister
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IReadOnlyList<PublicApiType> List(Assembly assembly) =>
        [.. assembly.GetExportedTypes()
            .Where(t => t.GetCustomAttribute<CompilerGeneratedAttribute>() is null)
            .OrderBy(t => t.FullName, StringComparer.Ordinal)
            .Select(Describe)];

    private static PublicApiType Describe(Type type) =>
        new(TypeNames.Of(type), type.Namespace ?? "", Header(type), Bases(type), Members(type));

    private static string Header(Type type)
    {
        var name = TypeNames.Of(type);
        if (type.IsEnum)
        {
            return $"public enum {name}";
        }

        if (type.IsInterface)
        {
            return $"public interface {name}{Constraints(type)}";
        }

        var record = IsRecord(type) ? "record " : "";
        if (type.IsValueType)
        {
            var readOnly = type.GetCustomAttribute<IsReadOnlyAttribute>() is null ? "" : "readonly ";
            return $"public {readOnly}{record}struct {name}{Constraints(type)}";
        }

        var modifier = type switch
        {
            { IsAbstract: true, IsSealed: true } => "static ",
            { IsAbstract: true } => "abstract ",
            { IsSealed: true } => "sealed ",
            _ => "",
        };
        return $"public {modifier}{(record == "" ? "class " : record)}{name}{Constraints(type)}";
    }

    private static bool IsRecord(Type type) =>
        type.GetMethod("<Clone>$") is not null
        || (type.IsValueType && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null);

    private static IReadOnlyList<string> Bases(Type type)
    {
        if (type.IsEnum)
        {
            return [];
        }

        var bases = type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) ? [TypeNames.Of(b)] : new List<string>();
        // Only what the declaration has to say: not what comes with the base class or with another interface.
        var interfaces = type.GetInterfaces();
        var implied = interfaces.SelectMany(i => i.GetInterfaces()).Concat(type.BaseType?.GetInterfaces() ?? []).ToHashSet();
        bases.AddRange(interfaces.Where(i => i.IsVisible && !implied.Contains(i)).Select(i => TypeNames.Of(i)));
        return bases;
    }

    private static IReadOnlyList<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return [.. Enum.GetNames(type).Select(n => $"{n} = {Convert.ToInt64(Enum.Parse(type, n), CultureInfo.InvariantCulture)}")];
        }

        var lines = new List<string>();
        lines.AddRange(type.GetConstructors(Declared & ~BindingFlags.Static).Where(IsVisible)
            .Select(c => $"{Access(c)}{type.Name.Split('`')[0]}({Parameters(c)})"));
        lines.AddRange(type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily).Select(Field));
        lines.AddRange(type.GetProperties(Declared).Where(p => p.GetAccessors(true).Any(IsVisible)).Select(Property));
        lines.AddRange(type.GetEvents(Declared).Where(e => IsVisible(e.AddMethod!))
            .Select(e => $"{Modifiers(e.AddMethod!)}event {TypeNames.Of(e.EventHandlerType!)} {e.Name}"));
        lines.AddRange(type.GetMethods(Declared)
            .Where(m => IsVisible(m) && !m.Name.StartsWith('<') && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)))
            .Select(Method));
        return lines;
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Field(FieldInfo field)
    {
        var kind = field.IsLiteral ? "const " : field.IsStatic ? (field.IsInitOnly ? "static readonly " : "static ") : field.IsInitOnly ? "readonly " : "";
        var value = field.IsLiteral ? $" = {Literal(field.GetRawConstantValue(), field.FieldType)}" : "";
        return $"{(field.IsPublic ? "public" : "protected")} {kind}{TypeNames.Of(field.FieldType, Nullability(c => c.Create(field)))} {field.Name}{value}";
    }

    private static string Property(PropertyInfo property)
    {
        var visible = property.GetAccessors(true).Where(IsVisible).ToList();
        var main = visible.OrderByDescending(a => a.IsPublic).First();
        var required = property.GetCustomAttribute<RequiredMemberAttribute>() is null ? "" : "required ";
        var accessors = visible.OrderBy(a => a != property.GetMethod).Select(a =>
        {
            var narrower = main.IsPublic && !a.IsPublic ? "protected " : "";
            var init = a.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            return $"{narrower}{(a == property.GetMethod ? "get" : init ? "init" : "set")};";
        });
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        return $"{Modifiers(main)}{required}{TypeNames.Of(property.PropertyType, Nullability(c => c.Create(property)))} {name} {{ {string.Join(" ", accessors)} }}";
    }

    private static string Method(MethodInfo method)
    {
        var tupleNames = method.ReturnParameter.GetCustomAttribute<TupleElementNamesAttribute>()?.TransformNames ?? [];
        var type = TypeNames.Of(method.ReturnType, Nullability(c => c.Create(method.ReturnParameter)), new Queue<string?>(tupleNames));
        var name = method.Name switch
        {
            "op_Implicit" => $"implicit operator {type}",
            "op_Explicit" => $"explicit operator {type}",
            "op_Equality" => $"{type} operator ==",
            "op_Inequality" => $"{type} operator !=",
            _ => $"{type} {method.Name}",
        };
        var generics = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
        var constraints = method.IsGenericMethod ? string.Concat(method.GetGenericArguments().Select(Constraint)) : "";
        return $"{Modifiers(method)}{name}{generics}({Parameters(method)}){constraints}";
    }

    private static string Access(MethodBase method) => method.IsPublic ? "public " : method.IsFamilyOrAssembly ? "protected internal " : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
        {
            return method.IsStatic ? "static " : "";
        }

        var overrides = method.GetBaseDefinition() != method;
        var kind = method switch
        {
            { IsStatic: true } => "static ",
            { IsAbstract: true } => overrides ? "abstract override " : "abstract ",
            { IsVirtual: true } when overrides => method.IsFinal ? "sealed override " : "override ",
            { IsVirtual: true, IsFinal: false } => "virtual ",
            _ => "",
        };
        return Access(method) + kind;
    }

    private static string Parameters(MethodBase method)
    {
        var written = string.Join(", ", method.GetParameters().Select(Parameter));
        return method.IsDefined(typeof(ExtensionAttribute), false) ? $"this {written}" : written;
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var direction = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? (parameter.IsIn ? "in " : "ref ") : "";
        var variadic = parameter.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : "";
        var value = parameter.HasDefaultValue ? $" = {Literal(parameter.RawDefaultValue, parameter.ParameterType)}" : "";
        return $"{variadic}{direction}{TypeNames.Of(parameter.ParameterType, Nullability(c => c.Create(parameter)))} {parameter.Name}{value}";
    }

    private static string Literal(object? value, Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            null => type.IsValueType && target == type ? "default" : "null",
            string text => $"\"{text}\"",
            bool flag => flag ? "true" : "false",
            _ when target.IsEnum => $"{TypeNames.Of(target)}.{Enum.GetName(target, Enum.ToObject(target, value))}",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
    }

    private static string Constraints(Type type) =>
        type.IsGenericTypeDefinition ? string.Concat(type.GetGenericArguments().Select(Constraint)) : "";

    private static string Constraint(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var value = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        List<string> parts = [];
        if (value)
        {
            parts.Add("struct");
        }
        else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            parts.Add("class");
        }

        parts.AddRange(parameter.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(c => TypeNames.Of(c)));
        if (!value && attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            parts.Add("new()");
        }

        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }

    private static NullabilityInfo Nullability(Func<NullabilityInfoContext, NullabilityInfo> create) => create(new NullabilityInfoContext());
}

/// <summary>One public type: its name, header line without bases, the bases it names, and its member lines.</summary>
public sealed record PublicApiType(
    string Name, string Namespace, string Header, IReadOnlyList<string> Bases, IReadOnlyList<string> Members);
