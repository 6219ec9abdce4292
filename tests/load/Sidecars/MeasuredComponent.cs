using LocalServers;

namespace Load.Sidecars;

/// <summary>One of several components that take turns, some on a private server of their own.</summary>
/// <param name="Name">Of the component.</param>
/// <param name="Spec">Of the component, in YAML.</param>
internal sealed record MeasuredComponent(string Name, string Spec)
{
    /// <summary>What every app needs, in files.</summary>
    public static readonly MeasuredComponent[] OfApps =
    [
        new("statestore", "{type: state.tandem, version: v1, metadata: [{name: actorStateStore, value: \"true\"}]}"), new("pubsub", "{type: pubsub.tandem, version: v1, metadata: []}"),
    ];

    /// <summary>The resources file that declares all of them.</summary>
    public static string Resources(IEnumerable<MeasuredComponent> components) => string.Join("\n---\n", components.Select(component =>
        $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: {component.Name}}}\nspec: {component.Spec}"));

    /// <summary>Starts the server and names the component after it; none, and a word about it, when the server is not installed.</summary>
    public static async Task<IEnumerable<MeasuredComponent>> OnAsync(
        LocalServer server, Func<Task<string>> spec, TextWriter output, CancellationToken cancellationToken)
    {
        if (server.Missing is { } missing)
        {
            await output.WriteLineAsync($"without {server.Name}: {missing}");
            return [];
        }

        await server.StartAsync(cancellationToken);
        return [new MeasuredComponent(server.Name, await spec())];
    }
}
