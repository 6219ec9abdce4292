using Microsoft.AspNetCore.Routing.Patterns;

namespace Gateway.OpenApi;

/// <summary>Which paths of the apps the route table leads to, by the rules of routing: the most exact pattern wins, then the method is looked at.</summary>
internal sealed class ReachablePaths(IReadOnlyDictionary<string, GatewayRoute> routes)
{
    private readonly (string Name, GatewayRoute Route, string[] Segments, decimal Precedence)[] _lines =
    [
        .. routes.Select(line => (line.Key, line.Value, Split(line.Value.Path), RoutePatternFactory.Parse(line.Value.Path).InboundPrecedence)),
    ];

    /// <summary>The paths at the gateway that lead to an operation of an app, each with its line of the table; the app's own path first.</summary>
    public IEnumerable<(string Path, string Name, GatewayRoute Route)> To(string app, string method, string path)
    {
        if (LineOf(method, path) is { } own && own.Route.App == app && own.Route.RewriteFrom is null)
        {
            yield return (path, own.Name, own.Route);
        }

        foreach (var line in _lines.Where(line => line.Route.App == app && line.Route.RewriteTo is not null))
        {
            var alias = path.StartsWith($"{line.Route.RewriteTo}/", StringComparison.Ordinal) ? line.Route.RewriteFrom + path[line.Route.RewriteTo!.Length..] : null;
            if (alias is not null && LineOf(method, alias) is { } leads && leads.Name == line.Name)
            {
                yield return (alias, line.Name, line.Route);
            }
        }
    }

    private (string Name, GatewayRoute Route)? LineOf(string method, string path)
    {
        var segments = Split(path);
        var best = _lines.Where(line => Matches(line.Segments, segments)).GroupBy(line => line.Precedence).MinBy(group => group.Key);
        return best?.Where(line => line.Route.Methods.Length == 0 || line.Route.Methods.Contains(method, StringComparer.OrdinalIgnoreCase))
            .Select(line => ((string, GatewayRoute)?)(line.Name, line.Route)).FirstOrDefault();
    }

    /// <summary>A parameter of the app's path stands for any value, so that only a parameter of the table takes it.</summary>
    private static bool Matches(string[] pattern, string[] path)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i].StartsWith("{*", StringComparison.Ordinal))
            {
                return true;
            }

            if (i >= path.Length || !(pattern[i].StartsWith('{') || string.Equals(pattern[i], path[i], StringComparison.OrdinalIgnoreCase)))
            {
                return false;
            }
        }

        return path.Length == pattern.Length;
    }

    private static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
