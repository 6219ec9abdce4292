using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace Architecture.Tests;

/// <summary>YAML documents as JSON nodes; every scalar is a string.</summary>
internal static class Yaml
{
    public static IReadOnlyList<JsonObject> Read(string file) => Parse(Repository.Read(file), file);

    public static IReadOnlyList<JsonObject> Parse(string text, string name)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return [.. stream.Documents.Select(document => ToJson(document.RootNode) as JsonObject
            ?? throw new InvalidOperationException($"{name} has a document that is no mapping"))];
    }

    /// <summary>The value at a path of keys, or null.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var key in path)
        {
            node = (node as JsonObject)?[key];
        }

        return node;
    }

    public static string? TextAt(this JsonNode? node, params ReadOnlySpan<string> path) => (string?)node.At(path);

    public static IReadOnlyList<JsonNode> ListAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray items ? [.. items.OfType<JsonNode>()] : [];

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair =>
            KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, ToJson(pair.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        _ => JsonValue.Create(((YamlScalarNode)node).Value),
    };
}
