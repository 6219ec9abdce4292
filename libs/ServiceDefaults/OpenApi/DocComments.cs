using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ServiceDefaults.OpenApi;

/// <summary>Doc comments at run time, from the XML file that the compiler lays beside each assembly; without the file there are none.</summary>
internal static partial class DocComments
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, XElement>> Files = new();

    /// <summary>Summary of a method, else of the feature (its outermost named class).</summary>
    public static string? OfHandler(MethodInfo method)
    {
        var type = Named(method.DeclaringType);
        return Text(Member(method.Module.Assembly, $"M:{Name(method.DeclaringType)}.{method.Name}(", prefix: true)?.Element("summary"))
            ?? Text(type is null ? null : Member(type.Assembly, $"T:{Name(type)}")?.Element("summary"));
    }

    /// <summary>What a handler says about a parameter.</summary>
    public static string? OfParameter(MethodInfo method, string name) =>
        Text(Param(Member(method.Module.Assembly, $"M:{Name(method.DeclaringType)}.{method.Name}(", prefix: true), name));

    /// <summary>Summary of a type.</summary>
    public static string? OfType(Type type) => Text(Member(type.Assembly, $"T:{Name(type)}")?.Element("summary"));

    /// <summary>Summary of a property, or what its record says about the parameter of that name.</summary>
    public static string? OfProperty(Type type, string name) =>
        Text(Member(type.Assembly, $"P:{Name(type)}.{name}")?.Element("summary")) ?? Text(Param(Member(type.Assembly, $"T:{Name(type)}"), name));

    /// <summary>The class that a person named: handlers that are lambdas live in classes of the compiler.</summary>
    public static Type? Named(Type? type)
    {
        while (type?.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) == true)
        {
            type = type.DeclaringType;
        }

        return type;
    }

    private static XElement? Param(XElement? member, string name) =>
        member?.Elements("param").FirstOrDefault(param => string.Equals((string?)param.Attribute("name"), name, StringComparison.OrdinalIgnoreCase));

    private static XElement? Member(Assembly assembly, string id, bool prefix = false)
    {
        var members = Files.GetOrAdd(assembly, Load);
        return prefix
            ? members.FirstOrDefault(member => member.Key.StartsWith(id, StringComparison.Ordinal)).Value
            : members.GetValueOrDefault(id);
    }

    private static Dictionary<string, XElement> Load(Assembly assembly)
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        return assembly.Location.Length > 0 && File.Exists(file)
            ? XDocument.Load(file).Descendants("member").DistinctBy(member => (string)member.Attribute("name")!).ToDictionary(member => (string)member.Attribute("name")!)
            : [];
    }

    private static string Name(Type? type) => (type is { IsGenericType: true } ? type.GetGenericTypeDefinition() : type)?.FullName?.Replace('+', '.') ?? "";

    private static string? Text(XElement? element)
    {
        if (element is null)
        {
            return null;
        }

        var text = Spaces().Replace(string.Concat(element.Nodes().Select(Text)), " ").Trim();
        return text.Length == 0 ? null : text;
    }

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" or "code" } code => $"`{code.Value}`",
        XElement element when (string?)element.Attribute("cref") is { } cref => cref[(cref.LastIndexOf('.', cref.IndexOf('(') is var end and > 0 ? end : cref.Length - 1) + 1)..],
        XElement element when (string?)element.Attribute("name") is { } name => name,
        XElement element => string.Concat(element.Nodes().Select(Text)),
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
