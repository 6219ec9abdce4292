using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>Rules for prompt files: docs/prompts.md.</summary>
public sealed class PromptTests
{
    [Fact]
    public void Every_prompt_of_an_app_has_a_snapshot_and_every_snapshot_a_prompt()
    {
        var expected = Prompts().Select(prompt =>
        {
            var parts = prompt.Split('/');
            var project = Path.GetFileNameWithoutExtension(Repository.Under($"apps/{parts[1]}", ".csproj").Single());
            return $"tests/apps/{project}.Tests/Prompts/{parts[^1]}";
        });

        Assert.Equal(expected.Order(StringComparer.Ordinal), Repository.Under("tests/apps", ".md").Where(file => file.Contains("/Prompts/")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Prompts_are_copied_next_to_their_app() => Assert.All(Prompts().Select(prompt => prompt.Split('/')[1]).Distinct(), app => Assert.Contains(
        XDocument.Parse(Repository.Read(Repository.Under($"apps/{app}", ".csproj").Single())).Descendants("Content"),
        content => (string?)content.Attribute("Include") == "Prompts/*.md" && content.Attribute("CopyToOutputDirectory") is not null));

    private static string[] Prompts()
    {
        string[] prompts = [.. Repository.Under("apps", ".md").Where(file => file.Contains("/Prompts/", StringComparison.Ordinal))];
        Assert.NotEmpty(prompts);
        return prompts;
    }
}
