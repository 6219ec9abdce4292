using System.Reflection;
using System.Text.RegularExpressions;

namespace TestKit.PublicApi;

/// <summary>
/// Compares an assembly with official lists. Everything public must be on a list, with the same signature; the lists
/// may hold more, since the assembly is a subset.
/// </summary>
public static partial class PublicApiCheck
{
    /// <summary>
    /// Returns what is public in <paramref name="assembly"/> and not on any of the lists; empty is good, unless nothing was compared, which is said too. Attributes are
    /// not compared, nor is <c>?</c> on a type parameter or where the official type carries no nullability.
    /// A type need not implement every official base or interface.
    /// </summary>
    /// <param name="assembly">The assembly to check.</param>
    /// <param name="listFiles">Paths of the lists.</param>
    /// <param name="exemptNamespaces">Namespaces that are not compared.</param>
    public static IReadOnlyList<string> FindUnofficial(Assembly assembly, IEnumerable<string> listFiles, params string[] exemptNamespaces)
    {
        var official = new Dictionary<string, Official>(StringComparer.Ordinal);
        foreach (var file in listFiles)
        {
            Read(File.ReadLines(file), official);
        }

        var unofficial = new List<string>();
        var types = PublicApiLister.List(assembly).Where(t => !exemptNamespaces.Contains(t.Namespace)).ToList();
        if (types.Sum(t => t.Members.Count) == 0)
        {
            unofficial.Add($"{assembly.GetName().Name} has nothing public to compare");
        }

        foreach (var type in types)
        {
            if (!official.TryGetValue(type.Name, out var known))
            {
                unofficial.Add(type.Header);
                continue;
            }

            if (!known.Headers.Any(h => Normalize(h, strict: true) == type.Header))
            {
                unofficial.Add($"{type.Header}  (official: {string.Join(" | ", known.Headers)})");
            }

            unofficial.AddRange(type.Bases.Where(b => !known.Bases.Contains(b) && !IsInherited(b, known)).Select(b => $"{type.Name} : {b}"));
            var members = known.Members.Select(m => Normalize(m, known.Strict)).ToHashSet(StringComparer.Ordinal);
            unofficial.AddRange(type.Members.Where(m => !members.Contains(Normalize(m, known.Strict))).Select(m => $"{type.Name}: {m}"));
        }

        return unofficial;
    }

    /// <summary>The lists do not repeat that an IDaprClient is disposable; the subset has no such interface of its own.</summary>
    private static bool IsInherited(string name, Official known) =>
        name is "IDisposable" && known.Bases.Any(b => b.EndsWith("IDaprClient", StringComparison.Ordinal));

    private static void Read(IEnumerable<string> lines, Dictionary<string, Official> official)
    {
        Official? current = null;
        foreach (var line in lines.Where(l => l.Length > 0 && !l.StartsWith("# ", StringComparison.Ordinal)))
        {
            if (line.StartsWith("    ", StringComparison.Ordinal))
            {
                current?.Members.Add(line.Trim());
                continue;
            }

            var strict = line.EndsWith("// nullable: enabled", StringComparison.Ordinal);
            var declaration = Attributes().Replace(line.Split("  // nullable:")[0], "").Trim();
            var where = declaration.IndexOf(" where ", StringComparison.Ordinal);
            var (head, constraints) = where < 0 ? (declaration, "") : (declaration[..where], declaration[where..]);
            var parts = head.Split(" : ", 2);
            var name = TypeName().Match(parts[0]).Groups[1].Value;
            if (!official.TryGetValue(name, out current))
            {
                official[name] = current = new Official { Strict = strict };
            }

            current.Headers.Add(parts[0] + constraints);
            if (parts.Length > 1)
            {
                current.Bases.AddRange(SplitOutsideBrackets(parts[1]));
            }
        }
    }

    private static IEnumerable<string> SplitOutsideBrackets(string list)
    {
        var (depth, start) = (0, 0);
        for (var i = 0; i < list.Length; i++)
        {
            depth += list[i] switch { '<' => 1, '>' => -1, _ => 0 };
            if (list[i] == ',' && depth == 0)
            {
                yield return list[start..i].Trim();
                start = i + 1;
            }
        }

        yield return list[start..].Trim();
    }

    private static string Normalize(string line, bool strict)
    {
        line = GenericMark().Replace(Attributes().Replace(line, ""), "$1");
        return strict ? line : line.Replace("?", "", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\[[A-Z]\w+(\([^\]]*\))?\] ")]
    private static partial Regex Attributes();

    [GeneratedRegex(@"\b(T(?:[A-Z]\w*)?)\?")]
    private static partial Regex GenericMark();

    [GeneratedRegex(@"^.*(?:class|struct|record|interface|enum) (\S.*)$")]
    private static partial Regex TypeName();

    private sealed class Official
    {
        public required bool Strict { get; init; }

        public List<string> Headers { get; } = [];

        public List<string> Bases { get; } = [];

        public List<string> Members { get; } = [];
    }
}
