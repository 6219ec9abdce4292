using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// The HTTP APIs an app may use (dapr-config §4, <c>spec.api</c>): a denied one is not, then, with an allowed list, only what it names.
/// Health is always answered.
/// </summary>
public sealed class ApiRules
{
    private static readonly string[] Names =
    [
        "invoke", "state", "publish", "bindings", "secrets", "actors", "metadata", "configuration", "lock", "unlock", "crypto", "subtlecrypto",
        "workflows", "healthz", "jobs", "shutdown", "conversation",
    ];

    private readonly HashSet<(string Name, string Version)> _allowed;
    private readonly HashSet<(string Name, string Version)> _denied;

    internal ApiRules(YamlMap api, string file)
    {
        _allowed = Read(api.Maps("allowed"), file);
        _denied = Read(api.Maps("denied"), file);
    }

    /// <summary>Whether requests to this path are served; what is below no version is service invocation by header.</summary>
    public bool IsAllowed(string path)
    {
        if (_allowed.Count == 0 && _denied.Count == 0)
        {
            return true;
        }

        // Routes are found without regard to case, so rules are too.
        var parts = path.ToLowerInvariant().Split('/', 4, StringSplitOptions.RemoveEmptyEntries);
        var api = parts is [var version, var name, ..] && version.StartsWith("v1.0", StringComparison.Ordinal) ? (name, Canonical(version)) : ("invoke", "v1");
        return api.Item1 == "healthz" || (!_denied.Contains(api) && (_allowed.Count == 0 || _allowed.Contains(api)));
    }

    private static HashSet<(string Name, string Version)> Read(IEnumerable<YamlMap> rules, string file) => [.. rules.Select(rule =>
    {
        var name = rule.Text("name") ?? "";
        if (!Names.Contains(name))
        {
            throw new ComponentException($"{file}: spec.api names '{name}'; the APIs are {string.Join(", ", Names)}");
        }

        if (rule.Text("protocol") is { } protocol and not "http")
        {
            throw new ComponentException($"{file}: spec.api has a rule for {protocol}; the embedded sidecar has rules for http only: leave it out for local runs");
        }

        return (name, Canonical(rule.Text("version") is { Length: > 0 } version ? version : "v1"));
    })];

    /// <summary>In paths <c>v1.0-alpha1</c>, in rules <c>v1alpha1</c> or the same.</summary>
    private static string Canonical(string version) => version.Replace(".0", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
}
