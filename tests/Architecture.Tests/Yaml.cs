using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Architecture.Tests;

/// <summary>YAML documents as JSON nodes; a scalar keeps its type, so <c>8080</c> is a number and <c>"8080"</c> a string.</summary>
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

    /// <summary>The value at a path as text, whatever its type.</summary>
    public static string? TextAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path)?.ToString();

    public static IReadOnlyList<JsonNode> ListAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray items ? [.. items.OfType<JsonNode>()] : [];

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair =>
            KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, ToJson(pair.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        _ => ToJson((YamlScalarNode)node),
    };

    private static JsonValue? ToJson(YamlScalarNode scalar) => scalar.Value switch
    {
        var text when scalar.Style != ScalarStyle.Plain => JsonValue.Create(text),
        null or "" or "~" or "null" => null,
        "true" or "false" => JsonValue.Create(scalar.Value == "true"),
        var text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        var text => JsonValue.Create(text),
    };
}
