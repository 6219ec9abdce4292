using Sidecar.Abstractions;

namespace Launcher.Templates;

/// <summary>Checks who waits for whom (<c>dependsOn</c>): every name is an app of the run, and nobody waits for itself in the end.</summary>
internal static class StartOrder
{
    public static void Check(IReadOnlyList<TemplateApp> apps, Func<string, string, LauncherException> error)
    {
        var byId = apps.ToDictionary(app => app.AppId);
        foreach (var app in apps)
        {
            if (app.DependsOn.FirstOrDefault(id => !byId.ContainsKey(id)) is { } unknown)
            {
                throw error(app.AppId, $"'{app.AppId}' waits for '{unknown}', which is no app of this template{Nearest.Hint(unknown, byId.Keys)}");
            }
        }

        var done = new HashSet<string>();
        foreach (var app in apps)
        {
            Follow(app.AppId, []);
        }

        void Follow(string id, List<string> path)
        {
            if (path.IndexOf(id) is var first and >= 0)
            {
                throw error(id, $"apps wait for each other: {string.Join(" -> ", [.. path[first..], id])}; take one 'dependsOn' out");
            }

            if (done.Contains(id))
            {
                return;
            }

            foreach (var next in byId[id].DependsOn)
            {
                Follow(next, [.. path, id]);
            }

            done.Add(id);
        }
    }
}
