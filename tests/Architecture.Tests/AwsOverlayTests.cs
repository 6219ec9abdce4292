using System.Text.Json.Nodes;

namespace Architecture.Tests;

/// <summary>The overlay for AWS as kustomize builds it: the set for AWS, one bucket by one name, and nothing that is a secret.</summary>
public sealed class AwsOverlayTests
{
    private const string Overlay = "deploy/k8s/overlays/aws";

    private static readonly Lazy<IReadOnlyList<JsonObject>> Built = new(() => Yaml.Parse(Repository.Run("kubectl", "kustomize", Overlay), Overlay));

    public AwsOverlayTests() => Assert.SkipUnless(KubernetesTests.IsInstalled("kubectl"), "kubectl is not installed; overlays are not built");

    [Fact]
    public void Its_components_are_those_of_the_set()
    {
        var set = Repository.Under("components/aws", ".yaml").SelectMany(Yaml.Read).ToDictionary(Name, Substance);
        var built = Built.Value.Where(document => document.TextAt("kind") is "Component" or "Resiliency").ToDictionary(Name, Substance);

        Assert.Equal(set.Keys.Order(StringComparer.Ordinal), built.Keys.Order(StringComparer.Ordinal));
        Assert.All(set, component => Assert.Equal(component.Value, built[component.Key]));
    }

    [Fact]
    public void Images_and_pages_know_the_bucket_of_the_component()
    {
        var objects = Find("Component", "objects").ListAt("spec", "metadata").ToDictionary(entry => entry.TextAt("name")!, entry => entry.TextAt("value"));
        var images = Environment("images");

        Assert.Equal("S3", images["Images__Storage"]);
        Assert.Equal((objects["bucket"], objects["region"]), (images["Images__S3__Bucket"], images["Images__S3__Region"]));
        Assert.Equal($"https://{objects["bucket"]}.s3.{objects["region"]}.amazonaws.com", Environment("gateway")["Gateway__UploadOrigins__0"]);
        Assert.DoesNotContain(Built.Value, document => document.TextAt("kind") == "PersistentVolumeClaim");
        Assert.DoesNotContain("objects:/objects", Repository.Run("kubectl", "kustomize", Overlay), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_in_it_is_a_secret_or_reads_one_from_Kubernetes()
    {
        Assert.DoesNotContain(Built.Value, document => document.TextAt("kind") is "Secret" or "Role" or "RoleBinding");
        Assert.DoesNotContain(Built.Value, document => Name(document) == "api-server-egress");
        Assert.All(Catalogue.AppIds, app => Assert.Equal("false", Workload(app).TextAt("spec", "template", "spec", "automountServiceAccountToken")));
    }

    [Fact]
    public void Who_talks_to_AWS_has_a_role_of_its_own_and_a_way_out()
    {
        var callers = Built.Value.Where(document => document.TextAt("spec", "type")?.Contains(".aws.", StringComparison.Ordinal) == true)
            .SelectMany(component => component.ListAt("scopes")).Select(scope => (string)scope!).Distinct().Order(StringComparer.Ordinal).ToArray();
        var open = Assert.Single(Find("NetworkPolicy", "internet-egress").ListAt("spec", "podSelector", "matchExpressions")).ListAt("values");

        Assert.Equal(callers, open.Select(app => (string)app!).Order(StringComparer.Ordinal));
        Assert.All(Catalogue.AppIds, app =>
        {
            var role = Find("ServiceAccount", app).At("metadata", "annotations")?["eks.amazonaws.com/role-arn"];
            Assert.Equal(callers.Contains(app) ? $"tandem-{app}" : null, ((string?)role)?.Split('/')[^1]);
        });
    }

    private static string Name(JsonObject document) => document.TextAt("metadata", "name")!;

    /// <summary>All of a component but the labels and the namespace that kustomize adds, fields in one order.</summary>
    private static string Substance(JsonObject component) => Sorted(new JsonObject(component.Where(field => field.Key != "metadata")
        .Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))))!.ToJsonString();

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Sorted(field.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    private static JsonObject Find(string kind, string name) => Built.Value.Single(document => document.TextAt("kind") == kind && Name(document) == name);

    private static JsonObject Workload(string app) => Built.Value.Single(document => document.TextAt("kind") is "Deployment" or "StatefulSet" && Name(document) == app);

    private static Dictionary<string, string?> Environment(string app) => Assert.Single(Workload(app).ListAt("spec", "template", "spec", "containers")).ListAt("env")
        .ToDictionary(variable => variable.TextAt("name")!, variable => variable.TextAt("value"));
}
