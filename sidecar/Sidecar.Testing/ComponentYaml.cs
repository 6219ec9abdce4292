using System.Text.Json;
using Sidecar.Runtime.Loading;

namespace Sidecar.Testing;

/// <summary>The resources of a host as files: what the loader reads is what a folder of the project would hold.</summary>
internal static class ComponentYaml
{
    private static readonly (string Name, string Type, (string Name, string Value)[] Metadata)[] Defaults =
    [
        ("statestore", "state.in-memory", [("actorStateStore", "true")]),
        ("pubsub", "pubsub.in-memory", []),
        ("lock", "lock.in-memory", []),
        ("configuration", "configuration.in-memory", []),
        ("secrets", "secretstores.in-memory", []),
    ];

    /// <summary>A component as YAML. JSON strings are YAML strings.</summary>
    public static string Of(string name, string type, params (string Name, string Value)[] metadata) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {"{"}name: {Quote(name)}{"}"}
        spec:
          type: {Quote(type)}
          version: v1
          metadata: [{string.Join(", ", metadata.Select(entry => $"{{name: {Quote(entry.Name)}, value: {Quote(entry.Value)}}}"))}]
        """;

    /// <summary>Writes what the options give as text into the folder, with those default components that nobody replaces.</summary>
    public static string[] Write(SidecarHostOptions options, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (index, text) in options.Yaml.Index())
        {
            File.WriteAllText(Path.Combine(folder, $"given-{index:D3}.yaml"), text);
        }

        string[] folders = [.. options.Resources, folder];
        if (options.DefaultComponents ?? options.Resources.Count == 0)
        {
            var given = ResourceLoader.Load(folders).Components.Select(component => component.Name).ToHashSet();
            var missing = Defaults.Where(component => !given.Contains(component.Name)).Select(component => Of(component.Name, component.Type, component.Metadata));
            File.WriteAllText(Path.Combine(folder, "defaults.yaml"), string.Join("\n---\n", missing));
        }

        return folders;
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
