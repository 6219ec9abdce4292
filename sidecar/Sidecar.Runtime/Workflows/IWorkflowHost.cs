using Sidecar.Abstractions;

namespace Sidecar.Runtime.Workflows;

/// <summary>
/// What a workflow engine gets from the runtime: per app id the component with metadata <c>actorStateStore: "true"</c> and the prefix
/// of its keys.
/// </summary>
/// <param name="AppId">App id; all replicas share one engine.</param>
/// <param name="Store">The store, which must be transactional and list keys.</param>
/// <param name="KeyPrefix">Prefix of the app's keys, without separator.</param>
public sealed record WorkflowStore(string AppId, IStateStore Store, string KeyPrefix)
{
    /// <summary>The store of an app, or null when none of its components says <c>actorStateStore</c>.</summary>
    public static WorkflowStore? Find(AppInstance app)
    {
        foreach (var (manifest, component) in app.Components.All)
        {
            if (component is IStateStore store && app.Components.Metadata(manifest.Name).Bool("actorStateStore", false))
            {
                return new WorkflowStore(app.Instance.AppId, store, app.State.KeyPrefix(manifest.Name));
            }
        }

        return null;
    }
}
