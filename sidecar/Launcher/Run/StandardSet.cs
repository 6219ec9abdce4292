using Launcher.Data;

namespace Launcher.Run;

/// <summary>
/// What an app without component files gets, in place of the dapr CLI's <c>~/.dapr/components</c>: <c>statestore</c>, also for actors and
/// workflows, and <c>pubsub</c>, both in the data directory.
/// </summary>
internal static class StandardSet
{
    public static string Write(DataDirectory data)
    {
        var folder = Path.Combine(data.Run, "standard-components");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "statestore.yaml"), Component("statestore", "state.tandem", "[{name: actorStateStore, value: \"true\"}]"));
        File.WriteAllText(Path.Combine(folder, "pubsub.yaml"), Component("pubsub", "pubsub.tandem", "[]"));
        return folder;
    }

    private static string Component(string name, string type, string metadata) =>
        $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: {{name}}}
        spec: {type: {{type}}, version: v1, metadata: {{metadata}}}

        """;
}
