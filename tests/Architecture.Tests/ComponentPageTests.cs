using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>docs/components.md says of each set what is in it, and names tests that exist.</summary>
public sealed partial class ComponentPageTests
{
    private const string Page = "docs/components.md";

    public static TheoryData<string> Sets => [.. Repository.FoldersIn("components")];

    [Theory]
    [MemberData(nameof(Sets))]
    public void Has_a_row_for_each_component_with_its_type(string set)
    {
        var text = Repository.Read(Page);
        var common = text[..text.IndexOf("\n## ", StringComparison.Ordinal)];
        var start = text.IndexOf($"\n## `components/{set}`\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"{Page} needs a section '## `components/{set}`' with a row per component");
        var end = text.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        var rows = Row().Matches(common + text[start..(end < 0 ? text.Length : end)])
            .SelectMany(row => Name().Matches(row.Groups["names"].Value).Select(name => $"{name.Groups["name"].Value} {row.Groups["type"].Value}"));

        var components = Repository.Under($"components/{set}", ".yaml").SelectMany(Yaml.Read).Where(document => document.TextAt("kind") == "Component")
            .Select(component => $"{component.TextAt("metadata", "name")} {component.TextAt("spec", "type")}");

        Assert.Equal(components.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_test_it_names_is_linked_to_the_file_that_has_it()
    {
        var text = Repository.Read(Page);
        var links = Definition().Matches(text).ToDictionary(link => link.Groups["name"].Value, link => link.Groups["file"].Value);
        Assert.NotEmpty(links);
        Assert.All(Mention().Matches(text).Select(mention => mention.Groups["name"].Value).Distinct(), name =>
            Assert.True(links.ContainsKey(name), $"{Page} needs the line '[{name}]: ../tests/…'"));
        Assert.All(links, link => Assert.True(
            Repository.Files.Contains(link.Value) && Regex.IsMatch(Repository.Read(link.Value), $@"class {link.Key}\b"), $"{Page}: {link.Value} has no class {link.Key}"));
    }

    [GeneratedRegex(@"^\| (?<names>`[^|]+`) \| `(?<type>[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`(?<name>[^`]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\[(?<name>\w+Tests)\](?!:)")]
    private static partial Regex Mention();

    [GeneratedRegex(@"^\[(?<name>\w+Tests)\]: \.\./(?<file>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Definition();
}
