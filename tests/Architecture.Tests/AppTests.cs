using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>One app id: folder, constant, dapr.yaml entry, Kubernetes file and line of apps/README.md belong together.</summary>
public sealed class AppTests
{
    public static TheoryData<string> Apps => Catalogue.Apps;

    [Fact]
    public void Folders_constants_template_and_manifests_name_the_same_apps()
    {
        var folders = Repository.FoldersIn("apps").Where(folder => folder != "web");
        var manifests = Repository.Under("deploy/k8s/base/apps", ".yaml").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
        Assert.Equal(Catalogue.AppIds, folders);
        Assert.Equal(Catalogue.AppIds, manifests);
        Assert.Equal(Catalogue.AppIds, Catalogue.Template.Select(app => app.TextAt("appID")!));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Is_one_project_in_the_folder_of_its_id(string app)
    {
        var project = Assert.Single(Repository.Under($"apps/{app}", ".csproj"));
        var name = string.Concat(app.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        Assert.Equal($"apps/{app}/{name}.csproj", project);
        Assert.Equal("Microsoft.NET.Sdk.Web", (string?)XDocument.Parse(Repository.Read(project)).Root!.Attribute("Sdk"));
        Assert.Contains($"apps/{app}/Program.cs", Repository.Files);
        Assert.Equal($"./apps/{app}", Template(app).TextAt("appDirPath"));
    }

    [Fact]
    public void Ports_of_the_template_are_distinct()
    {
        var ports = Catalogue.Template.Select(app => app.TextAt("appPort")).ToArray();
        Assert.Equal(ports.Length, ports.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Has_a_row_with_its_port_in_the_readme(string app)
    {
        var (start, end) = ($"| [{app}]({app}) |", $"| {Template(app).TextAt("appPort")} |");
        Assert.True(
            Repository.Read("apps/README.md").Split('\n')
                .Count(line => line.StartsWith(start, StringComparison.Ordinal) && line.EndsWith(end, StringComparison.Ordinal)) == 1,
            $"apps/README.md needs one row that begins '{start}' and ends '{end}'");
    }

    private static System.Text.Json.Nodes.JsonNode Template(string app) => Catalogue.Template.Single(entry => entry.TextAt("appID") == app);
}
