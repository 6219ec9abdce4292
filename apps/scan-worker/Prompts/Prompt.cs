using System.Text.RegularExpressions;

namespace ScanWorker.Prompts;

/// <summary>
/// A prompt file of this app: Markdown with <c>{{variables}}</c> and a version comment in its first line. A file that lacks a
/// variable, or has one that nobody fills, stops the start.
/// </summary>
public sealed partial class Prompt
{
    private readonly string _text;

    private Prompt(string text, string version)
    {
        _text = text;
        Version = version;
    }

    /// <summary>Version from the first line.</summary>
    public string Version { get; }

    /// <summary>Loads a file and checks that its variables are exactly the given ones.</summary>
    public static Prompt Load(string folder, string name, params string[] variables)
    {
        var path = Path.Combine(folder, name + ".md");
        var text = File.ReadAllText(path);
        var version = VersionLine().Match(text);
        var found = Variable().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
        return version.Success && found.SetEquals(variables)
            ? new Prompt(text[version.Length..].TrimStart(), version.Groups[1].Value)
            : throw new InvalidDataException(
                $"{path}: needs a version line and the variables {string.Join(", ", variables)}; has {string.Join(", ", found)}");
    }

    /// <summary>The text with every variable replaced. Values are not searched for variables again.</summary>
    public string Fill(params (string Name, string Value)[] values) =>
        Variable().Replace(_text, match => values.First(value => value.Name == match.Groups[1].Value).Value);

    [GeneratedRegex(@"\A<!-- version: (\w+) -->\r?\n")]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Variable();
}
