using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>Who may reference whom, read from the project files.</summary>
public sealed class ReferenceTests
{
    private static readonly string[] OfficialPackages =
        ["Dapr.Actors", "Dapr.Actors.AspNetCore", "Dapr.AspNetCore", "Dapr.Client", "Dapr.Workflow"];

    public static TheoryData<string> Projects => [.. Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void References_only_what_its_layer_may(string project)
    {
        var allowed = AllowedFolders(project);
        Assert.All(References(project), reference => Assert.True(
            allowed.Any(folder => reference.StartsWith(folder, StringComparison.Ordinal)),
            $"{project} references {reference}; it may reference only {(allowed.Length == 0 ? "nothing" : string.Join(", ", allowed))}"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Dapr_references_name_official_packages_in_apps_samples_and_libs(string project)
    {
        var names = Items(project, "DaprReference");
        Assert.All(names, name => Assert.Contains(name, OfficialPackages));
        Assert.True(
            names.Length == 0 || project.Split('/')[0] is "apps" or "libs" or "samples",
            $"{project}: DaprReference is for apps, samples and libs; everything else references the project");
    }

    [Fact]
    public void Contracts_depend_on_nothing()
    {
        var project = XDocument.Parse(Repository.Read("libs/Contracts/Contracts.csproj"));
        Assert.DoesNotContain(project.Descendants(), element => element.Name.LocalName.EndsWith("Reference", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("Dapr.sln").Replace('\\', '/');
        var missing = Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal) && !solution.Contains($"\"{file}\"")).ToArray();
        Assert.True(missing.Length == 0, $"not in Dapr.sln; run: dotnet sln Dapr.sln add {string.Join(' ', missing)}");
    }

    [Fact]
    public void Test_projects_end_in_Tests_and_are_programs()
    {
        var projects = Repository.Under("tests", ".Tests.csproj").ToArray();
        Assert.NotEmpty(projects);
        Assert.All(projects, project =>
        {
            Assert.Equal("Exe", XDocument.Parse(Repository.Read(project)).Descendants("OutputType").SingleOrDefault()?.Value);
            Assert.Equal(Path.GetFileNameWithoutExtension(project), Path.GetFileName(Path.GetDirectoryName(project)));
        });
    }

    private static string[] AllowedFolders(string project) => project.Split('/') switch
    {
        ["apps", ..] or ["samples", ..] => ["libs/"],
        ["libs", "Contracts", ..] or ["libs", "Imaging", ..] => [],
        ["libs", ..] => ["libs/"],
        ["sdk", ..] => ["sdk/", "protocol/"],
        ["protocol", ..] => [],
        ["sidecar", "Sidecar.Abstractions", ..] => [],
        ["sidecar", "Sidecar.Redis", ..] => [],
        ["sidecar", "Sidecar.Components.Redis", ..] => ["sidecar/Sidecar.Abstractions/", "sidecar/Sidecar.Redis/"],
        ["sidecar", "Launcher", ..] => ["sidecar/LocalServers/", "sidecar/Sidecar.Abstractions/", "protocol/"],
        ["sidecar", "LocalServers", ..] => [],
        ["sidecar", var name, ..] when name.StartsWith("Sidecar.Components.", StringComparison.Ordinal) => ["sidecar/Sidecar.Abstractions/"],
        ["sidecar", ..] => ["sidecar/", "protocol/"],
        ["tools", ..] => ["libs/", "tools/"],
        _ => ["apps/", "libs/", "sdk/", "protocol/", "sidecar/", "samples/", "tests/", "tools/"],
    };

    private static IEnumerable<string> References(string project)
    {
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(project)!);
        return Items(project, "ProjectReference")
            .Select(reference => reference.Replace("$(RepoRoot)", Repository.Root + "/", StringComparison.Ordinal))
            .Select(reference => Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(folder, reference))).Replace('\\', '/'));
    }

    private static string[] Items(string project, string kind) =>
        [.. XDocument.Parse(Repository.Read(project)).Descendants(kind)
            .SelectMany(item => ((string?)item.Attribute("Include") ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
}
