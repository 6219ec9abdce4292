using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>
/// Who may call whom. <c>deploy/k8s/base/access</c> is made from <c>RequireCaller</c> of the routes (ContractTests of each app); here it meets the
/// clients in the sources, so that a caller nobody needs, and a client that nobody lets in, are both found.
/// </summary>
public sealed partial class TrustTests
{
    private const string Label = "app.kubernetes.io/name", NamespaceLabel = "kubernetes.io/metadata.name";

    public static TheoryData<string> Apps => Catalogue.Apps;

    [Theory]
    [MemberData(nameof(Apps))]
    public void Callers_on_the_list_are_those_that_have_a_client(string app) =>
        Assert.Equal(CallersOf(app), Policies(app).Select(policy => policy.TextAt("appId")!).Where(caller => caller != app));

    /// <summary>Rotating keys is for who holds auth's own sidecar: the launcher, or an operator by port-forward. No other app is asked by itself.</summary>
    [Theory]
    [MemberData(nameof(Apps))]
    public void Only_auth_is_asked_by_its_own_sidecar_and_for_keys_alone(string app)
    {
        var operations = Policies(app).Where(policy => policy.TextAt("appId") == app).SelectMany(policy => policy.ListAt("operations")).Select(operation => operation.TextAt("name")!);

        Assert.Equal(app == Contracts.Apps.Auth ? ["/internal/signing-keys/**"] : [], operations);
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Everything_else_is_denied(string app)
    {
        Assert.Equal("deny", Access(app, "Configuration").TextAt("spec", "accessControl", "defaultAction"));
        Assert.All(Policies(app), policy =>
        {
            Assert.Equal("deny", policy.TextAt("defaultAction"));
            Assert.Equal("tandem", policy.TextAt("namespace"));
            Assert.NotEmpty(policy.ListAt("operations"));
        });
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Sidecar_is_told_what_it_is_told_in_a_local_run_as_well(string app)
    {
        var configuration = Access(app, "Configuration");
        var pods = Yaml.Read($"deploy/k8s/base/apps/{app}.yaml").Select(document => document.At("spec", "template")).Single(template => template is not null);
        Assert.Equal(configuration.TextAt("metadata", "name"), pods.TextAt("metadata", "annotations", "dapr.io/config"));

        var local = Catalogue.Template.Single(entry => entry.TextAt("appID") == app).TextAt("configFilePath") is { } file ? Yaml.Read(Path.Join("apps", app, file)).Single() : null;
        Assert.All(local.At("spec") as JsonObject ?? [], setting => Assert.True(JsonNode.DeepEquals(setting.Value, configuration.At("spec", setting.Key)), setting.Key));
    }

    [Fact]
    public void No_pod_is_reached_or_reaches_without_a_rule()
    {
        var denies = NetworkPolicies().Single(policy => policy.TextAt("metadata", "name") == "default-deny").At("spec");
        Assert.Empty(denies.At("podSelector")!.AsObject());
        Assert.Equal(["Ingress", "Egress"], denies.ListAt("policyTypes").Select(type => (string?)type));
        Assert.Null(denies.At("ingress"));
        Assert.Null(denies.At("egress"));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Sidecar_is_reached_by_those_of_its_callers_and_of_its_replicas(string app) =>
        Assert.Equal(
            Policies(app).Select(policy => policy.TextAt("appId")!).Append(app).Distinct().Order(StringComparer.Ordinal),
            RulesFor(app, "50002").SelectMany(rule => rule.ListAt("from")).Select(peer => peer.TextAt("podSelector", "matchLabels", Label)));

    [Fact]
    public void Checks_of_other_proxies_come_from_the_ingress_alone()
    {
        var peer = Assert.Single(Assert.Single(RulesFor(Contracts.Apps.Gateway, "9191")).ListAt("from"));
        Assert.Equal("ingress", peer.TextAt("namespaceSelector", "matchLabels", NamespaceLabel));
        Assert.Single(peer.AsObject());
    }

    [Fact]
    public void Api_server_is_for_apps_that_read_secrets_from_it()
    {
        var readers = Repository.Under("deploy/k8s/base/components", ".yaml").SelectMany(Yaml.Read)
            .Where(component => component.TextAt("spec", "type") == "secretstores.kubernetes").SelectMany(component => component.ListAt("scopes"));
        var policy = NetworkPolicies().Single(policy => policy.TextAt("metadata", "name") == "api-server-egress");
        var allowed = Assert.Single(policy.ListAt("spec", "podSelector", "matchExpressions")).ListAt("values");

        Assert.Equal(readers.Select(app => (string)app!).Order(StringComparer.Ordinal), allowed.Select(app => (string)app!).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<JsonObject> NetworkPolicies() =>
        Repository.Under("deploy/k8s/base", ".yaml").SelectMany(Yaml.Read).Where(document => document.TextAt("kind") == "NetworkPolicy");

    /// <summary>Rules by which a port of the app's pods is reached.</summary>
    private static IEnumerable<JsonNode> RulesFor(string app, string port) => NetworkPolicies()
        .Where(policy => policy.TextAt("spec", "podSelector", "matchLabels", Label) == app)
        .SelectMany(policy => policy.ListAt("spec", "ingress"))
        .Where(rule => rule.ListAt("ports") is var ports && (ports.Count == 0 || ports.Any(open => open.TextAt("port") == port)));

    private static JsonObject Access(string app, string kind) => Yaml.Read($"deploy/k8s/base/access/{app}.yaml").Single(document => document.TextAt("kind") == kind);

    private static IReadOnlyList<JsonNode> Policies(string app) => Access(app, "Configuration").ListAt("spec", "accessControl", "policies");

    /// <summary>Apps that have a client of this one, and the gateway, which asks every app for its health and its document.</summary>
    private static IEnumerable<string> CallersOf(string callee)
    {
        var shared = Repository.Under("libs", ".cs").SelectMany(file => Clients(Repository.Read(file))).ToArray();
        return Catalogue.AppIds.Where(app => app != callee && (app == Contracts.Apps.Gateway || CalleesOf(app, shared).Contains(callee)));
    }

    private static IEnumerable<string> CalleesOf(string app, (string Method, string Callee)[] shared)
    {
        var sources = Repository.Under($"apps/{app}", ".cs").Select(Repository.Read).ToArray();
        return sources.SelectMany(Clients).Select(client => client.Callee)
            .Concat(shared.Where(client => sources.Any(source => source.Contains($".{client.Method}(", StringComparison.Ordinal))).Select(client => client.Callee));
    }

    /// <summary>Clients that a file adds, with the extension method that does it: apps call that of a library.</summary>
    private static IEnumerable<(string Method, string Callee)> Clients(string source) => Client.Matches(source).Select(client => (
        Method.Matches(source[..client.Index]).LastOrDefault()?.Groups[1].Value ?? "",
        (string)typeof(Contracts.Apps).GetField(client.Groups[1].Value)!.GetRawConstantValue()!));

    [GeneratedRegex(@"AddDaprInvokeClient<\w+>\((?:Contracts\.)?Apps\.(\w+)\)")]
    private static partial Regex Client { get; }

    [GeneratedRegex(@"public static \S+ (Add\w+)(?:<\w+>)?\(this ")]
    private static partial Regex Method { get; }
}
