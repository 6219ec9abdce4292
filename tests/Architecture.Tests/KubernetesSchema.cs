using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>The fields of Kubernetes and Dapr objects that the manifests may use, with their types; the API server refuses others.</summary>
internal static partial class KubernetesSchema
{
    /// <summary>
    /// Fields by object, each <c>name:type</c>. Types: <c>string</c>, <c>int</c>, <c>bool</c>, <c>port</c> (number or name), <c>quantity</c>,
    /// <c>strings</c> (a map of them), <c>any</c>, or an object named here; with <c>[]</c> a list of it.
    /// </summary>
    private static readonly Dictionary<string, Dictionary<string, string>> Objects = new Dictionary<string, string>
    {
        ["Namespace"] = "apiVersion:string kind:string metadata:meta",
        ["ConfigMap"] = "apiVersion:string kind:string metadata:meta data:strings",
        ["Secret"] = "apiVersion:string kind:string metadata:meta data:strings stringData:strings type:string",
        ["ServiceAccount"] = "apiVersion:string kind:string metadata:meta automountServiceAccountToken:bool",
        ["Service"] = "apiVersion:string kind:string metadata:meta spec:service",
        ["Deployment"] = "apiVersion:string kind:string metadata:meta spec:deployment",
        ["StatefulSet"] = "apiVersion:string kind:string metadata:meta spec:statefulSet",
        ["PersistentVolumeClaim"] = "apiVersion:string kind:string metadata:meta spec:claim",
        ["Role"] = "apiVersion:string kind:string metadata:meta rules:rule[]",
        ["RoleBinding"] = "apiVersion:string kind:string metadata:meta roleRef:roleRef subjects:subject[]",
        ["Component"] = "apiVersion:string kind:string metadata:meta spec:component scopes:string[] auth:auth",
        ["Configuration"] = "apiVersion:string kind:string metadata:meta spec:any",
        ["NetworkPolicy"] = "apiVersion:string kind:string metadata:meta spec:networkPolicy",
        ["Resiliency"] = "apiVersion:string kind:string metadata:meta spec:resiliency scopes:string[]",
        ["meta"] = "name:string namespace:string labels:strings annotations:strings",
        ["service"] = "selector:strings ports:servicePort[] type:string clusterIP:string publishNotReadyAddresses:bool",
        ["servicePort"] = "name:string port:int targetPort:port protocol:string",
        ["deployment"] = "replicas:int selector:selector template:template strategy:strategy minReadySeconds:int revisionHistoryLimit:int",
        ["statefulSet"] = "replicas:int selector:selector template:template serviceName:string podManagementPolicy:string minReadySeconds:int revisionHistoryLimit:int",
        ["strategy"] = "type:string",
        ["selector"] = "matchLabels:strings matchExpressions:expression[]",
        ["expression"] = "key:string operator:string values:string[]",
        ["template"] = "metadata:meta spec:pod",
        ["pod"] = "serviceAccountName:string automountServiceAccountToken:bool terminationGracePeriodSeconds:int securityContext:podSecurity"
            + " topologySpreadConstraints:spread[] containers:container[] volumes:volume[]",
        ["podSecurity"] = "runAsNonRoot:bool runAsUser:int fsGroup:int seccompProfile:seccomp",
        ["seccomp"] = "type:string",
        ["spread"] = "maxSkew:int topologyKey:string whenUnsatisfiable:string labelSelector:selector",
        ["container"] = "name:string image:string command:string[] args:string[] ports:containerPort[] env:variable[] envFrom:source[] startupProbe:probe"
            + " livenessProbe:probe readinessProbe:probe resources:resources securityContext:security volumeMounts:mount[]",
        ["containerPort"] = "name:string containerPort:int protocol:string",
        ["variable"] = "name:string value:string valueFrom:valueFrom",
        ["valueFrom"] = "secretKeyRef:key configMapKeyRef:key",
        ["key"] = "name:string key:string",
        ["source"] = "configMapRef:reference secretRef:reference",
        ["reference"] = "name:string",
        ["probe"] = "httpGet:httpGet tcpSocket:tcpSocket initialDelaySeconds:int periodSeconds:int timeoutSeconds:int failureThreshold:int successThreshold:int",
        ["httpGet"] = "path:string port:port",
        ["tcpSocket"] = "port:port",
        ["resources"] = "requests:amounts limits:amounts",
        ["amounts"] = "cpu:quantity memory:quantity storage:quantity",
        ["security"] = "allowPrivilegeEscalation:bool readOnlyRootFilesystem:bool capabilities:capabilities",
        ["capabilities"] = "drop:string[]",
        ["mount"] = "name:string mountPath:string readOnly:bool",
        ["volume"] = "name:string emptyDir:emptyDir persistentVolumeClaim:claimName",
        ["emptyDir"] = "medium:string sizeLimit:quantity",
        ["claimName"] = "claimName:string readOnly:bool",
        ["claim"] = "accessModes:string[] storageClassName:string resources:resources",
        ["rule"] = "apiGroups:string[] resources:string[] resourceNames:string[] verbs:string[]",
        ["roleRef"] = "apiGroup:string kind:string name:string",
        ["subject"] = "kind:string name:string namespace:string",
        ["networkPolicy"] = "podSelector:selector policyTypes:string[] ingress:ingress[] egress:egress[]",
        ["ingress"] = "from:peer[] ports:policyPort[]",
        ["egress"] = "to:peer[] ports:policyPort[]",
        ["peer"] = "podSelector:selector namespaceSelector:selector ipBlock:ipBlock",
        ["ipBlock"] = "cidr:string except:string[]",
        ["policyPort"] = "port:port protocol:string",
        ["component"] = "type:string version:string metadata:item[] ignoreErrors:bool initTimeout:string",
        ["item"] = "name:string value:string secretKeyRef:key envRef:string",
        ["auth"] = "secretStore:string",
        ["resiliency"] = "policies:any targets:any",
    }.ToDictionary(entry => entry.Key, entry => entry.Value.Split(' ').Select(field => field.Split(':')).ToDictionary(field => field[0], field => field[1]));

    private static readonly HashSet<string> Annotations =
    [
        "dapr.io/enabled", "dapr.io/app-id", "dapr.io/app-port", "dapr.io/app-protocol", "dapr.io/config", "dapr.io/api-token-secret",
        "dapr.io/app-token-secret", "dapr.io/log-level", "dapr.io/log-as-json", "dapr.io/app-max-concurrency", "dapr.io/enable-metrics",
        "dapr.io/metrics-port", "dapr.io/env", "dapr.io/env-from-secret", "dapr.io/sidecar-cpu-request", "dapr.io/sidecar-cpu-limit",
        "dapr.io/sidecar-memory-request", "dapr.io/sidecar-memory-limit", "dapr.io/sidecar-image", "dapr.io/sidecar-seccomp-profile-type",
        "dapr.io/max-body-size", "dapr.io/read-buffer-size", "dapr.io/graceful-shutdown-seconds", "dapr.io/block-shutdown-duration",
        "dapr.io/enable-api-logging", "dapr.io/volume-mounts", "dapr.io/volume-mounts-rw", "dapr.io/disable-builtin-k8s-secret-store",
        "dapr.io/enable-app-health-check", "dapr.io/app-health-check-path", "dapr.io/app-health-probe-interval",
        "dapr.io/app-health-probe-timeout", "dapr.io/app-health-threshold", "dapr.io/enable-native-sidecar",
    ];

    /// <summary>What is wrong with an object, one line each.</summary>
    public static IEnumerable<string> Problems(JsonObject document) =>
        document.TextAt("kind") is { } kind && Objects.ContainsKey(kind) && char.IsUpper(kind[0])
            ? Problems(document, kind, $"{kind} {document.TextAt("metadata", "name")}")
            : [$"unknown kind '{document.TextAt("kind")}'"];

    private static IEnumerable<string> Problems(JsonNode? node, string type, string where) => type switch
    {
        "any" => [],
        _ when type.EndsWith("[]", StringComparison.Ordinal) => node is JsonArray items
            ? items.SelectMany((item, index) => Problems(item, type[..^2], $"{where}[{index}]"))
            : [$"{where} must be a list"],
        "strings" => node is JsonObject map
            ? map.SelectMany(pair => IsUnknownAnnotation(pair.Key) ? [$"{where} has the unknown annotation '{pair.Key}'"] : Problems(pair.Value, "string", $"{where}.{pair.Key}"))
            : [$"{where} must be a map"],
        _ when Objects.TryGetValue(type, out var fields) => node is JsonObject map
            ? map.SelectMany(pair => fields.TryGetValue(pair.Key, out var field) ? Problems(pair.Value, field, $"{where}.{pair.Key}") : [$"{where} has the unknown field '{pair.Key}'"])
            : [$"{where} must be an object"],
        _ => IsScalar(node, type) ? [] : [$"{where} must be of type {type}, not {node?.ToJsonString() ?? "null"}"],
    };

    private static bool IsUnknownAnnotation(string key) => key.StartsWith("dapr.io/", StringComparison.Ordinal) && !Annotations.Contains(key);

    private static bool IsScalar(JsonNode? node, string type) => (type, node?.GetValueKind()) switch
    {
        ("string", JsonValueKind.String) or ("bool", JsonValueKind.True or JsonValueKind.False) => true,
        ("port", JsonValueKind.String) => true,
        ("int" or "port", JsonValueKind.Number) => long.TryParse(node!.ToString(), out _),
        ("quantity", JsonValueKind.String or JsonValueKind.Number) => Quantity.IsMatch(node!.ToString()),
        _ => false,
    };

    [GeneratedRegex(@"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
    private static partial Regex Quantity { get; }
}
