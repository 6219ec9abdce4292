using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>One app id: folder, constant, dapr.yaml entry, Kubernetes file and line of apps/README.md belong together.</summary>
public sealed partial class AppTests
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

    [Theory]
    [MemberData(nameof(Apps))]
    public void Has_requests_to_try_at_the_address_of_the_template(string app)
    {
        var addresses = LocalAddress().Matches(Repository.Read($"apps/{app}/requests.http")).Select(match => match.Groups["port"].Value);
        Assert.NotEmpty(addresses);
        Assert.All(addresses, port => Assert.Contains(port, (string?[])[Template("gateway").TextAt("appPort"), Template(app).TextAt("appPort")]));
    }

    /// <summary>The dapr CLI gives an app no more than the template says.</summary>
    [Fact]
    public void Options_without_a_default_have_a_value_in_the_template_or_the_settings()
    {
        var options = (
            from file in Repository.Under("apps", "Options.cs")
            let text = Repository.Read(file)
            from Match section in OptionsClass().Matches(text)
            from Match option in RequiredText().Matches(section.Groups["body"].Value)
            select (App: file.Split('/')[1], Section: section.Groups["section"].Value, Name: option.Groups["name"].Value)).ToArray();

        Assert.Contains(("images", "Images", "ObjectsPath"), options);
        Assert.All(options, option =>
        {
            var settings = $"apps/{option.App}/appsettings.json";
            Assert.True(
                Template(option.App).TextAt("env", $"{option.Section}__{option.Name}") is { Length: > 0 }
                    || (Repository.Files.Contains(settings) && Repository.Read(settings).Contains($"\"{option.Name}\"", StringComparison.Ordinal)),
                $"{option.App} needs env {option.Section}__{option.Name} in dapr.yaml: it has no default");
        });
    }

    /// <summary>A worker runs 100 activities at a time; fewer places for model calls would make them wait for each other.</summary>
    [Fact]
    public void The_scan_worker_has_a_place_for_each_model_call_that_its_activities_make()
    {
        var admission = JsonNode.Parse(Repository.Read("apps/scan-worker/appsettings.json"))!["Ai"]!["Admission"]!;

        Assert.InRange((int)admission["MaxConcurrentCalls"]!, 200, 10_000);
    }

    [Fact]
    public void The_template_gives_the_gateway_the_addresses_of_what_it_does_not_invoke()
    {
        var routes = JsonNode.Parse(Repository.Read("apps/gateway/gateway.routes.json"))!["Gateway"]!["Routes"]!.AsObject();
        var apps = routes.Where(route => (bool?)route.Value!["ByAddress"] == true).Select(route => (string)route.Value!["App"]!).Distinct().ToArray();

        Assert.NotEmpty(apps);
        Assert.All(apps, app => Assert.Equal(
            $"http://127.0.0.1:{Template(app).TextAt("appPort")}", Template("gateway").TextAt("env", $"services__{app.Replace('-', '_')}__http__0")));
    }

    [GeneratedRegex(@"http://(localhost|127\.0\.0\.1):(?<port>[0-9]+)")]
    private static partial Regex LocalAddress();

    [GeneratedRegex(@"const string Section = ""(?<section>\w+)"";(?<body>.*?)^\}", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex OptionsClass();

    [GeneratedRegex(@"\[Required[^\n]*\n\s*public string (?<name>\w+) \{ get; set; \} = """";")]
    private static partial Regex RequiredText();

    private static JsonNode Template(string app) => Catalogue.Template.Single(entry => entry.TextAt("appID") == app);
}
