using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// Which apps may invoke what of this one (dapr-config §4, <c>spec.accessControl</c>). The caller is known by its sidecar, as on daprd by its
/// certificate; every app of a run is in namespace <c>default</c>. Messages, bindings and actors are not invocations.
/// </summary>
public sealed class AccessRules
{
    private const string Namespace = "default";

    private readonly bool _allowed;
    private readonly Dictionary<string, Policy> _policies = [];

    internal AccessRules(YamlMap access, string file)
    {
        TrustDomain = access.Text("trustDomain") is { Length: > 0 } domain ? domain : "public";
        // Without a word about the rest, rules mean that the rest is denied.
        _allowed = Action(access.Text("defaultAction"), file) ?? (access.Values.Count == 0 || (access.Values.ContainsKey("policies") && !access.Maps("policies").Any()));
        foreach (var policy in access.Maps("policies"))
        {
            if (policy.Text("appId") is not { Length: > 0 } app || policy.Text("trustDomain") is not { Length: > 0 } trust || policy.Text("namespace") is not { Length: > 0 } space)
            {
                throw new ComponentException($"{file}: a policy of spec.accessControl lacks appId, trustDomain or namespace");
            }

            var operations = policy.Maps("operations").Select(operation => ToOperation(operation, app, file)).ToArray();
            if (space == Namespace)
            {
                _policies[app] = new Policy(trust, Action(policy.Text("defaultAction"), file), operations);
            }
        }
    }

    /// <summary>Nothing is refused to anybody.</summary>
    public bool AllowsAll => _allowed && _policies.Count == 0;

    /// <summary>Trust domain of the app itself, by which others know it. Default <c>public</c>.</summary>
    public string TrustDomain { get; }

    /// <summary>
    /// Whether a caller may send this request. Paths are compared without case, piece by piece: <c>*</c> stands for one piece, <c>**</c> at
    /// the end for all that follow; the most specific operation decides, then the policy's default, then the app's.
    /// </summary>
    /// <param name="caller">App id of the caller.</param>
    /// <param name="trustDomain">Trust domain of the caller.</param>
    /// <param name="verb">HTTP method.</param>
    /// <param name="path">Path as it is sent, percent-encoded.</param>
    public bool IsAllowed(string caller, string trustDomain, string verb, string path)
    {
        if (!_policies.TryGetValue(caller, out var policy) || policy.TrustDomain != trustDomain)
        {
            return _allowed;
        }

        var pieces = Pieces(path, Uri.UnescapeDataString);
        var operation = policy.Operations.Where(operation => operation.Matches(pieces)).MinBy(operation => operation.Pieces, Specificity.Order);
        return operation?.ActionOf(verb) ?? policy.Allowed ?? _allowed;
    }

    private static Operation ToOperation(YamlMap operation, string app, string file)
    {
        var name = operation.Text("name") ?? throw new ComponentException($"{file}: an operation of spec.accessControl for {app} has no name");
        var action = Action(operation.Text("action"), file) ?? throw new ComponentException($"{file}: operation {name} of spec.accessControl for {app} has no action, allow or deny");
        return new Operation(Pieces(name, text => text), [.. operation.Texts("httpVerb").Select(verb => verb.ToUpperInvariant())], action);
    }

    private static bool? Action(string? text, string file) => AppConfiguration.IsAllow(text, file, "accessControl");

    private static string[] Pieces(string path, Func<string, string> decode) =>
        [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(piece => decode(piece).ToLowerInvariant())];

    private sealed record Policy(string TrustDomain, bool? Allowed, IReadOnlyList<Operation> Operations);

    private sealed record Operation(string[] Pieces, IReadOnlyList<string> Verbs, bool Action)
    {
        public bool Matches(string[] path)
        {
            for (var i = 0; i < Pieces.Length; i++)
            {
                if (Pieces[i] == "**")
                {
                    return true;
                }

                if (i >= path.Length || (Pieces[i] != "*" && Pieces[i] != path[i]))
                {
                    return false;
                }
            }

            return Pieces.Length == path.Length;
        }

        /// <summary>Null when the operation is about other verbs.</summary>
        public bool? ActionOf(string verb) => Verbs.Contains(verb) || Verbs.Contains("*") ? Action : null;
    }

    /// <summary>A word before <c>*</c> before <c>**</c>, from the left.</summary>
    private sealed class Specificity : IComparer<string[]>
    {
        public static readonly Specificity Order = new();

        public int Compare(string[]? x, string[]? y) => string.CompareOrdinal(Key(x!), Key(y!));

        private static string Key(string[] pieces) => string.Concat(pieces.Select(piece => piece switch { "**" => '2', "*" => '1', _ => '0' }));
    }
}
