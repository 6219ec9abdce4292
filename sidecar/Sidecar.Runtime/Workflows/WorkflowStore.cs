using Sidecar.Abstractions;

namespace Sidecar.Runtime.Workflows;

/// <summary>Which of an app's components holds its workflows.</summary>
public static class WorkflowStore
{
    /// <summary>The state store whose metadata says <c>actorStateStore: "true"</c>, or null.</summary>
    public static IStateStore? Find(AppInstance app)
    {
        foreach (var (manifest, component) in app.Components.All)
        {
            if (component is IStateStore store && app.Components.Metadata(manifest.Name).Bool("actorStateStore", false))
            {
                return store;
            }
        }

        return null;
    }
}
