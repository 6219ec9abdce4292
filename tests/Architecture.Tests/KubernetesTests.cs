using System.Text.Json.Nodes;

namespace Architecture.Tests;

/// <summary>The Kubernetes manifests, as written and as kustomize builds them.</summary>
public sealed class KubernetesTests
{
    private const string Port = "8080";

    public static TheoryData<string> Apps => Catalogue.Apps;

    public static TheoryData<string> Overlays => [.. Repository.FoldersIn("deploy/k8s/overlays")];

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_has_a_sidecar_with_both_tokens(string app)
    {
        var workload = Workload(app);
        var annotations = workload.At("spec", "template", "metadata", "annotations");
        Assert.Equal("true", annotations.TextAt("dapr.io/enabled"));
        Assert.Equal(app, annotations.TextAt("dapr.io/app-id"));
        Assert.Equal(Port, annotations.TextAt("dapr.io/app-port"));
        Assert.Equal("dapr-api-token", annotations.TextAt("dapr.io/api-token-secret"));
        Assert.Equal("app-api-token", annotations.TextAt("dapr.io/app-token-secret"));
        Assert.Equal("dapr-api-token", Variable(workload, "DAPR_API_TOKEN").TextAt("valueFrom", "secretKeyRef", "name"));
        Assert.Equal("app-api-token", Variable(workload, "APP_API_TOKEN").TextAt("valueFrom", "secretKeyRef", "name"));
        Assert.Equal(app, Variable(workload, "OTEL_SERVICE_NAME").TextAt("value"));
        Assert.Equal(Port, Variable(workload, "APP_PORT").TextAt("value"));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_is_found_by_its_service(string app)
    {
        const string Label = "app.kubernetes.io/name";
        var workload = Workload(app);
        var service = Documents(app).Single(document => document.TextAt("kind") == "Service");
        Assert.Equal(app, service.TextAt("metadata", "name"));
        Assert.Equal(app, service.TextAt("spec", "selector", Label));
        Assert.Equal(app, workload.TextAt("metadata", "name"));
        Assert.Equal(app, workload.TextAt("spec", "selector", "matchLabels", Label));
        Assert.Equal(app, workload.TextAt("spec", "template", "metadata", "labels", Label));
        var port = Assert.Single(Container(workload).ListAt("ports"));
        Assert.Equal(("http", Port), (port.TextAt("name"), port.TextAt("containerPort")));
        Assert.Equal("http", Assert.Single(service.ListAt("spec", "ports")).TextAt("targetPort"));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_is_probed_and_bounded(string app)
    {
        var container = Container(Workload(app));
        Assert.Equal(app, container.TextAt("name"));
        Assert.Equal($"tandem/{app}", container.TextAt("image"));
        foreach (var (probe, path) in new[] { ("startupProbe", "/healthz/startup"), ("livenessProbe", "/healthz/live"), ("readinessProbe", "/healthz/ready") })
        {
            Assert.Equal((path, "http"), (container.TextAt(probe, "httpGet", "path"), container.TextAt(probe, "httpGet", "port")));
        }

        foreach (var bound in new[] { "requests", "limits" })
        {
            Assert.NotNull(container.TextAt("resources", bound, "cpu"));
            Assert.NotNull(container.TextAt("resources", bound, "memory"));
        }
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_runs_under_the_restricted_pod_security_standard(string app) => AssertRestricted(Workload(app));

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_holds_a_service_account_token_only_where_a_secret_store_needs_it(string app)
    {
        var pod = Workload(app).At("spec", "template");
        var needsToken = Repository.Under("deploy/k8s/base/components", ".yaml").SelectMany(Yaml.Read)
            .Any(component => component.TextAt("spec", "type") == "secretstores.kubernetes" && component.ListAt("scopes").Any(scope => (string?)scope == app));

        // Without the annotation daprd opens the Kubernetes API at start and ends when there is no token.
        Assert.Equal("true", pod.TextAt("metadata", "annotations", "dapr.io/disable-builtin-k8s-secret-store"));
        Assert.Equal(needsToken ? "true" : "false", pod.TextAt("spec", "automountServiceAccountToken"));
        Assert.Equal("false", Documents(app).Single(document => document.TextAt("kind") == "ServiceAccount").TextAt("automountServiceAccountToken"));
        var bindings = SecretRoles.Keys.SelectMany(Yaml.Read).Where(document => document.TextAt("kind") == "RoleBinding");
        var subjects = bindings.SelectMany(binding => binding.ListAt("subjects")).Where(subject => subject.TextAt("name") == app).ToList();
        Assert.Equal(needsToken, subjects.Count > 0);
        Assert.All(subjects, subject => Assert.Equal(("ServiceAccount", "tandem"), (subject.TextAt("kind"), subject.TextAt("namespace"))));
    }

    public static readonly Dictionary<string, string[]> SecretRoles = new()
    {
        ["deploy/k8s/base/callback-signing.yaml"] = ["callback-signing"],
        ["deploy/k8s/base/identity-key.yaml"] = ["identity-encryption-key", "oauth-google", "oauth-kakao", "oauth-naver"],
        ["deploy/k8s/base/model-keys.yaml"] = ["openai-api-key", "anthropic-api-key", "gemini-api-key", "vertex-credentials"],
        ["deploy/k8s/base/object-store.yaml"] = ["object-store"],
        ["deploy/k8s/base/product-search.yaml"] = ["naver-search"],
    };

    public static TheoryData<string> SecretRoleFiles => [.. SecretRoles.Keys];

    [Theory]
    [MemberData(nameof(SecretRoleFiles))]
    public void Role_allows_to_get_the_named_secrets_and_nothing_else(string file)
    {
        var documents = Yaml.Read(file);
        var role = documents.Single(document => document.TextAt("kind") == "Role");
        var rule = Assert.Single(role.ListAt("rules"));
        foreach (var (field, value) in new[] { ("apiGroups", ""), ("resources", "secrets"), ("verbs", "get") })
        {
            Assert.Equal(value, (string?)Assert.Single(rule.ListAt(field)));
        }

        Assert.Equal(SecretRoles[file], rule.ListAt("resourceNames").Select(name => (string)name!));
        var binding = documents.Single(document => document.TextAt("kind") == "RoleBinding");
        Assert.Equal(("Role", role.TextAt("metadata", "name")), (binding.TextAt("roleRef", "kind"), binding.TextAt("roleRef", "name")));
    }

    /// <summary>The consumer of a broadcast is the pod: only names that come back after a restart leave no group behind.</summary>
    [Theory]
    [MemberData(nameof(Apps))]
    public void App_that_listens_to_broadcasts_has_lasting_pod_names(string app)
    {
        var listens = Repository.Under($"apps/{app}", ".cs").Any(file => Repository.Read(file).Contains("WithTopic(Components.Broadcast", StringComparison.Ordinal));

        Assert.True(!listens || Workload(app).TextAt("kind") == "StatefulSet", $"{app} listens to broadcasts, so it has to be a StatefulSet");
    }

    [Fact]
    public void Namespace_admits_the_injected_sidecar()
    {
        var labels = Yaml.Read("deploy/k8s/base/namespace.yaml").Single().At("metadata", "labels");
        Assert.Equal("baseline", labels.TextAt("pod-security.kubernetes.io/enforce"));
        Assert.Equal("restricted", labels.TextAt("pod-security.kubernetes.io/warn"));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Image_has_a_tag_in_the_kustomization(string app)
    {
        var image = Yaml.Read("deploy/k8s/base/kustomization.yaml").Single().ListAt("images").SingleOrDefault(entry => entry.TextAt("name") == $"tandem/{app}");
        Assert.True(image?.TextAt("newTag") is { Length: > 0 } and not "latest", $"deploy/k8s/base/kustomization.yaml: tandem/{app} needs a newTag");
    }

    [Fact]
    public void Kustomization_lists_every_file_of_the_base()
    {
        var listed = Yaml.Read("deploy/k8s/base/kustomization.yaml").Single().ListAt("resources").Select(file => $"deploy/k8s/base/{file}");
        var files = Repository.Under("deploy/k8s/base", ".yaml").Where(file => !file.EndsWith("/kustomization.yaml", StringComparison.Ordinal));
        Assert.Equal(files.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Manifests_have_known_fields_of_the_right_types()
    {
        var files = Repository.Under("deploy/k8s", ".yaml").Where(file => !file.EndsWith("/kustomization.yaml", StringComparison.Ordinal));
        Assert.Empty(files.SelectMany(file => Yaml.Read(file).SelectMany(KubernetesSchema.Problems).Select(problem => $"{file}: {problem}")));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Overlay_builds_and_holds_whole_objects(string overlay)
    {
        Assert.SkipUnless(IsInstalled("kubectl"), "kubectl is not installed; overlays are not built");
        var documents = Yaml.Parse(Repository.Run("kubectl", "kustomize", $"deploy/k8s/overlays/{overlay}"), overlay);

        Assert.All(documents, document =>
        {
            Assert.NotNull(document.TextAt("apiVersion"));
            Assert.NotNull(document.TextAt("kind"));
            Assert.NotNull(document.TextAt("metadata", "name"));
        });
        Assert.Equal(documents.Count, documents.Select(document => (document.TextAt("kind"), document.TextAt("metadata", "name"))).Distinct().Count());
        Assert.Empty(documents.SelectMany(KubernetesSchema.Problems));

        var workloads = documents.Where(IsWorkload).ToDictionary(document => document.TextAt("metadata", "name")!);
        Assert.All(Catalogue.AppIds, app => Assert.Matches($"(^|/)tandem/{app}(:[^:]+|@.+)$", Container(workloads[app]).TextAt("image")));
        Assert.All(workloads.Values, AssertRestricted);
        Assert.All(
            workloads.Where(workload => !Catalogue.AppIds.Contains(workload.Key)),
            workload => Assert.Equal("false", workload.Value.TextAt("spec", "template", "spec", "automountServiceAccountToken")));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Overlay_names_one_public_address_of_its_own(string overlay)
    {
        Assert.SkipUnless(IsInstalled("kubectl"), "kubectl is not installed; overlays are not built");
        var workloads = Yaml.Parse(Repository.Run("kubectl", "kustomize", $"deploy/k8s/overlays/{overlay}"), overlay).Where(IsWorkload).ToList();
        string? Setting(string app, string name) => Variable(workloads.Single(workload => workload.TextAt("metadata", "name") == app), name).TextAt("value");

        var address = new Uri(Setting("images", "Images__PublicBaseUrl")!);
        Assert.DoesNotContain("example.org", address.Host, StringComparison.Ordinal);
        Assert.Equal(address.Authority, Setting("scan", "Scan__ImageHosts__0"));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Overlay_has_every_config_map_and_account_that_it_names(string overlay)
    {
        Assert.SkipUnless(IsInstalled("kubectl"), "kubectl is not installed; overlays are not built");
        var documents = Yaml.Parse(Repository.Run("kubectl", "kustomize", $"deploy/k8s/overlays/{overlay}"), overlay);
        bool Has(string kind, string? name) => documents.Any(document => document.TextAt("kind") == kind && document.TextAt("metadata", "name") == name);

        foreach (var workload in documents.Where(document => IsWorkload(document) && Catalogue.AppIds.Contains(document.TextAt("metadata", "name"))))
        {
            var name = workload.TextAt("metadata", "name");
            Assert.True(Has("ServiceAccount", workload.TextAt("spec", "template", "spec", "serviceAccountName")), $"{name}: its service account is missing");
            Assert.True(Has("Configuration", workload.TextAt("spec", "template", "metadata", "annotations", "dapr.io/config")), $"{name}: its Dapr configuration is missing");
            Assert.All(Container(workload).ListAt("envFrom"), source => Assert.True(Has("ConfigMap", source.TextAt("configMapRef", "name")), $"{name}: a config map is missing"));
            Assert.All(
                workload.ListAt("spec", "template", "spec", "volumes").Where(volume => volume.At("persistentVolumeClaim") is not null),
                volume => Assert.True(Has("PersistentVolumeClaim", volume.TextAt("persistentVolumeClaim", "claimName")), $"{name}: a volume claim is missing"));
        }
    }

    private static void AssertRestricted(JsonObject workload)
    {
        var pod = workload.At("spec", "template", "spec");
        Assert.Equal("true", pod.TextAt("securityContext", "runAsNonRoot"));
        Assert.NotEqual("0", pod.TextAt("securityContext", "runAsUser"));
        Assert.Equal("RuntimeDefault", pod.TextAt("securityContext", "seccompProfile", "type"));
        Assert.All(pod.ListAt("containers"), container =>
        {
            Assert.Equal("false", container.TextAt("securityContext", "allowPrivilegeEscalation"));
            Assert.Equal("true", container.TextAt("securityContext", "readOnlyRootFilesystem"));
            Assert.Equal("ALL", (string?)Assert.Single(container.ListAt("securityContext", "capabilities", "drop")));
        });
        Assert.DoesNotContain(pod.ListAt("volumes"), volume => volume.At("hostPath") is not null);
    }

    private static IReadOnlyList<JsonObject> Documents(string app) => Yaml.Read($"deploy/k8s/base/apps/{app}.yaml");

    private static JsonObject Workload(string app) => Documents(app).Single(IsWorkload);

    private static bool IsWorkload(JsonObject document) => document.TextAt("kind") is "Deployment" or "StatefulSet";

    private static JsonNode Container(JsonObject workload) => Assert.Single(workload.ListAt("spec", "template", "spec", "containers"));

    private static JsonNode Variable(JsonObject workload, string name) =>
        Container(workload).ListAt("env").Single(variable => variable.TextAt("name") == name);

    internal static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));
}
