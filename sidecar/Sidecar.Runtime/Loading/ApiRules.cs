using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// The APIs an app may use (dapr-config §4, <c>spec.api</c>), listed for HTTP and for gRPC on their own: a denied one is not, then, with an
/// allowed list, only what it names. A rule without a protocol is for HTTP. Health is always answered.
/// </summary>
public sealed class ApiRules
{
    private static readonly string[] Names =
    [
        "invoke", "state", "publish", "bindings", "secrets", "actors", "metadata", "configuration", "lock", "unlock", "crypto", "subtlecrypto",
        "workflows", "healthz", "jobs", "shutdown", "conversation", "subscribe",
    ];

    private readonly Lists _http;
    private readonly Lists _grpc;

    internal ApiRules(YamlMap api, string file)
    {
        var (allowed, denied) = (Read(api.Maps("allowed"), file), Read(api.Maps("denied"), file));
        _http = new Lists(allowed["http"], denied["http"]);
        _grpc = new Lists(allowed["grpc"], denied["grpc"]);
    }

    /// <summary>Whether HTTP requests to this path are served; what is below no version is service invocation by header.</summary>
    public bool IsAllowed(string path)
    {
        if (_http.IsEmpty)
        {
            return true;
        }

        // Routes are found without regard to case, so rules are too.
        var parts = path.ToLowerInvariant().Split('/', 4, StringSplitOptions.RemoveEmptyEntries);
        var api = parts is [var version, var name, ..] && version.StartsWith("v1.0", StringComparison.Ordinal) ? (name, Canonical(version)) : ("invoke", "v1");
        return api.Item1 == "healthz" || _http.Allow(api);
    }

    /// <summary>Whether the methods of an API are served over gRPC; <paramref name="version"/> is <c>v1</c>, <c>v1alpha1</c>, …</summary>
    public bool IsGrpcAllowed(string name, string version) => _grpc.Allow((name, version));

    private static ILookup<string, (string Name, string Version)> Read(IEnumerable<YamlMap> rules, string file) => rules.Select(rule =>
    {
        var name = rule.Text("name") ?? "";
        if (!Names.Contains(name))
        {
            throw new ComponentException($"{file}: spec.api names '{name}'; the APIs are {string.Join(", ", Names)}");
        }

        var protocol = rule.Text("protocol") ?? "http";
        return protocol is "http" or "grpc"
            ? (Protocol: protocol, Api: (name, Canonical(rule.Text("version") is { Length: > 0 } version ? version : "v1")))
            : throw new ComponentException($"{file}: spec.api has a rule for '{protocol}'; the protocols are http and grpc");
    }).ToLookup(rule => rule.Protocol, rule => rule.Api);

    /// <summary>In paths <c>v1.0-alpha1</c>, in rules <c>v1alpha1</c> or the same.</summary>
    private static string Canonical(string version) => version.Replace(".0", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);

    private sealed class Lists(IEnumerable<(string Name, string Version)> allowed, IEnumerable<(string Name, string Version)> denied)
    {
        private readonly HashSet<(string Name, string Version)> _allowed = [.. allowed];
        private readonly HashSet<(string Name, string Version)> _denied = [.. denied];

        public bool IsEmpty => _allowed.Count == 0 && _denied.Count == 0;

        public bool Allow((string Name, string Version) api) => !_denied.Contains(api) && (_allowed.Count == 0 || _allowed.Contains(api));
    }
}
