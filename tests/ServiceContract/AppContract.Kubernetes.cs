using System.Text;
using Contracts;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using TestKit;
using Xunit;

namespace ServiceContract;

/// <summary>What Kubernetes adds to the trust between apps, made from the callers that the routes name.</summary>
public abstract partial class AppContract<TService>
{
    [Fact]
    public void Kubernetes_lets_exactly_the_callers_of_the_routes_through() => Snapshot.Check($"deploy/k8s/base/access/{app}.yaml", AccessManifests());

    private string AccessManifests()
    {
        var calls = Routes().SelectMany(route => CallersOf(route).Select(caller => (Caller: caller, Route: route)))
            .GroupBy(call => call.Caller, call => call.Route).OrderBy(group => group.Key, StringComparer.Ordinal).ToArray();
        var isReachedByAddress = Routes().Any(route => IsForClients(route) && AllowedOf(route) is null);
        return Configuration(calls) + "---\n" + NetworkPolicy([.. calls.Select(caller => caller.Key)], isReachedByAddress);
    }

    /// <summary>The apps on the route's list; and the gateway, which asks every other app whether it is ready, and itself for nothing, not even its document.</summary>
    private IEnumerable<string> CallersOf(RouteEndpoint route)
    {
        var listed = AllowedOf(route)?.AppIds ?? [];
        return IsEdge ? listed.Where(caller => caller != app) : PathOf(route) == "/healthz/ready" ? [Apps.Gateway] : listed;
    }

    private string Configuration(IReadOnlyCollection<IGrouping<string, RouteEndpoint>> calls)
    {
        var yaml = new StringBuilder($"""
            # Made from the routes of {app} by its ContractTests (UPDATE_SNAPSHOTS=1): who may invoke what, and who may connect at all.
            apiVersion: dapr.io/v1alpha1
            kind: Configuration
            metadata:
              name: {app}
            spec:
              tracing:
                samplingRate: "0.1"
              metrics:
                enabled: true
            {OwnSpec()}  accessControl:
                defaultAction: deny
                trustDomain: public
                policies:{(calls.Count == 0 ? " []" : "")}

            """);
        foreach (var caller in calls)
        {
            yaml.Append($"""
                      - appId: {caller.Key}
                        defaultAction: deny
                        trustDomain: public
                        namespace: tandem
                        operations:

                """);
            foreach (var (path, verbs) in OperationsOf(caller))
            {
                yaml.Append($"          - {{name: {path}, httpVerb: [{string.Join(", ", verbs)}], action: allow}}\n");
            }
        }

        return yaml.ToString();
    }

    /// <summary>What the app's sidecar is told in a local run holds here as well: a sidecar has one Configuration.</summary>
    private string OwnSpec()
    {
        const string Start = "\nspec:\n";
        var file = Path.Combine(Snapshot.Root(), "apps", app, "dapr-config.yaml");
        var text = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : Start;
        return text[(text.IndexOf(Start, StringComparison.Ordinal) + Start.Length)..];
    }

    private string NetworkPolicy(IReadOnlyCollection<string> callers, bool isReachedByAddress)
    {
        var yaml = new StringBuilder($$$"""
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata:
              name: {{{app}}}
            spec:
              podSelector:
                matchLabels: {app.kubernetes.io/name: {{{app}}}}
              policyTypes: [Ingress]
              ingress:
                # Scrapes.
                - from:
                    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
                  ports:
                    - {port: 8080}
                # From sidecar to sidecar: invocations, and between replicas their workflows.
                - from:

            """);
        foreach (var caller in callers.Append(app).Distinct().Order(StringComparer.Ordinal))
        {
            yaml.Append($"        - podSelector: {{matchLabels: {{app.kubernetes.io/name: {caller}}}}}\n");
        }

        yaml.Append("      ports:\n        - {port: 50002}\n");
        if (isReachedByAddress)
        {
            yaml.Append(IsEdge ? "    # Clients, by the ingress.\n    - from:\n" : "    # Clients, by the ingress or by the gateway, which streams.\n    - from:\n        - podSelector: {matchLabels: {app.kubernetes.io/name: gateway}}\n");
            yaml.Append("        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}\n      ports:\n        - {port: 8080}\n");
        }

        return yaml.ToString();
    }

    /// <summary>
    /// The operations of a caller. daprd takes an operation for all that is below its path, and <c>*</c> in the middle of a path for nothing, so
    /// routes with parameters, and those below others, are one operation with <c>/**</c> and the verbs of all.
    /// </summary>
    private static IEnumerable<(string Path, IEnumerable<string> Verbs)> OperationsOf(IEnumerable<RouteEndpoint> routes)
    {
        var all = routes.Select(route => (Path: LiteralPath(route), HasMore: route.RoutePattern.Parameters.Count > 0, Verbs: Health.Contains(PathOf(route)) ? ["GET"] : Methods(route))).ToArray();
        var roots = all.Select(route => route.Path).Distinct().Where(path => !all.Any(other => IsBelow(path, other.Path)));
        foreach (var root in roots.Order(StringComparer.Ordinal))
        {
            var tree = all.Where(route => route.Path == root || IsBelow(route.Path, root)).ToArray();
            var hasMore = tree.Any(route => route.HasMore || route.Path != root);
            yield return (hasMore ? root + "/**" : root, tree.SelectMany(route => route.Verbs).Distinct().Order(StringComparer.Ordinal));
        }
    }

    private static bool IsBelow(string path, string root) => path.StartsWith(root + "/", StringComparison.Ordinal);

    /// <summary>The path up to its first parameter.</summary>
    private static string LiteralPath(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments
        .TakeWhile(segment => segment.IsSimple && segment.Parts[0] is RoutePatternLiteralPart).Select(segment => ((RoutePatternLiteralPart)segment.Parts[0]).Content));
}
