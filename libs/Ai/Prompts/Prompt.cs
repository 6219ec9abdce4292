using System.Text;
using System.Text.RegularExpressions;

namespace Ai.Prompts;

/// <summary>
/// A prompt file: Markdown with <c>{{variables}}</c>, under a head of comments with its version and the names of its variables, trusted and untrusted apart.
/// </summary>
public sealed partial class Prompt
{
    /// <summary>The variable of a system prompt whose place <see cref="Fence.Instruction"/> takes.</summary>
    internal const string FenceVariable = "fence";

    private readonly Part[] _parts;

    private Prompt(string name, string version, Part[] parts, HashSet<string> trusted, HashSet<string> untrusted)
    {
        Name = name;
        Id = $"{name}@{version}";
        _parts = parts;
        Trusted = trusted;
        Untrusted = untrusted;
        ExplainsFences = parts.Any(part => part.Variable == FenceVariable);
    }

    /// <summary>Name of the file without its ending: <c>{task}.system</c> or <c>{task}.user</c>.</summary>
    public string Name { get; }

    /// <summary>Name and version, e.g. <c>vision.system@2</c>; see <see cref="Calls.CallScope.Prompt"/>.</summary>
    public string Id { get; }

    /// <summary>Variables whose values are the platform's own words.</summary>
    public IReadOnlySet<string> Trusted { get; }

    /// <summary>Variables whose values somebody else wrote.</summary>
    public IReadOnlySet<string> Untrusted { get; }

    internal bool ExplainsFences { get; }

    /// <summary>
    /// The text with every variable replaced: trusted values as they are, untrusted ones in their fences. Values are not searched for variables again.
    /// Names must be exactly the prompt's variables.
    /// </summary>
    public string Fill(params ReadOnlySpan<(string Name, string Value)> values)
    {
        if (values.Length != Trusted.Count + Untrusted.Count)
        {
            throw new ArgumentException($"{Name} takes the variables {string.Join(", ", Trusted.Concat(Untrusted))}", nameof(values));
        }

        var text = new StringBuilder();
        foreach (var (literal, variable) in _parts)
        {
            text.Append(literal);
            if (variable is not null)
            {
                text.Append(
                    variable == FenceVariable ? Fence.Instruction
                    : Untrusted.Contains(variable) ? Fence.Around(variable, Find(variable, values))
                    : Find(variable, values));
            }
        }

        return text.ToString();
    }

    /// <summary>Reads a file's text. Throws <see cref="InvalidDataException"/>, a sentence that names the file and what is wrong.</summary>
    internal static Prompt Parse(string name, string text, string path)
    {
        text = text.ReplaceLineEndings("\n");
        var head = Head().Match(text);
        var comments = Comment().Matches(head.Value).ToLookup(comment => comment.Groups["key"].Value, comment => comment.Groups["value"].Value);
        string[] trusted = Names(comments["trusted"]), untrusted = Names(comments["untrusted"]);
        string[] declared = [.. trusted, .. untrusted];
        var body = text[head.Length..].Trim('\n') + "\n";
        var used = Variable().Matches(body).Select(variable => variable.Groups["name"].Value).Where(variable => variable != FenceVariable).ToHashSet();

        Check(comments["version"].Count() == 1, $"{path}: needs one line <!-- version: … --> at its top");
        Check(name.EndsWith(".system", StringComparison.Ordinal) || name.EndsWith(".user", StringComparison.Ordinal),
            $"{path}: its name must end in .system.md or .user.md, which says whose message it is");
        Check(declared.Distinct().Count() == declared.Length && !declared.Contains(FenceVariable),
            $"{path}: a variable is declared twice, or is called '{FenceVariable}'");
        Check(used.SetEquals(declared),
            $"{path}: its head declares the variables [{string.Join(", ", declared.Order())}], its text has [{string.Join(", ", used.Order())}]");
        foreach (var variable in untrusted)
        {
            Check(Regex.Count(body, $@"\{{\{{{variable}\}}\}}") == Regex.Count(body, $@"^\{{\{{{variable}\}}\}}$", RegexOptions.Multiline),
                $"{path}: {{{{{variable}}}}} is untrusted and must stand alone on its line, because its fence has lines of its own");
        }

        Check(!body.Contains("<<<", StringComparison.Ordinal), $"{path}: its text must not look like a fence");
        return new Prompt(name, comments["version"].Single(), Split(body), [.. trusted], [.. untrusted]);
    }

    internal static void Check(bool right, string sentence)
    {
        if (!right)
        {
            throw new InvalidDataException(sentence);
        }
    }

    private static string Find(string variable, ReadOnlySpan<(string Name, string Value)> values)
    {
        foreach (var (name, value) in values)
        {
            if (name == variable)
            {
                return value;
            }
        }

        throw new ArgumentException($"no value for the variable '{variable}'", nameof(values));
    }

    private static Part[] Split(string body)
    {
        var parts = new List<Part>();
        var at = 0;
        foreach (Match variable in Variable().Matches(body))
        {
            parts.Add(new Part(body[at..variable.Index], variable.Groups["name"].Value));
            at = variable.Index + variable.Length;
        }

        return [.. parts, new Part(body[at..], Variable: null)];
    }

    private static string[] Names(IEnumerable<string> lists) =>
        [.. lists.SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    private readonly record struct Part(string Literal, string? Variable);

    [GeneratedRegex(@"\A(<!-- (version|trusted|untrusted): [\w, ]+ -->\n)*")]
    private static partial Regex Head();

    [GeneratedRegex(@"<!-- (?<key>version|trusted|untrusted): (?<value>[\w, ]+) -->")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\{\{(?<name>\w+)\}\}")]
    private static partial Regex Variable();
}
