using System.Text.Json.Nodes;
using TestKit;

namespace ServiceContract;

/// <summary>Whether every body of an operation has examples, and its schema accepts them.</summary>
public static class ExampleCheck
{
    /// <summary>What is wrong.</summary>
    public static IEnumerable<string> Of(JsonNode document, JsonNode operation)
    {
        foreach (var (place, body) in Bodies(operation))
        {
            foreach (var (type, media) in body["content"]?.AsObject() ?? [])
            {
                if ((string?)media!["schema"]?["format"] == "binary")
                {
                    continue;
                }

                var examples = media["examples"] is JsonObject named
                    ? named.Select(example => (example.Key, ValueOf(document, example.Value!)))
                    : media.AsObject().ContainsKey("example") ? [("example", media["example"])] : [];
                if (media["schema"] is null || !examples.Any())
                {
                    yield return $"{place} {type} lacks {(media["schema"] is null ? "its schema" : "an example")}";
                }

                foreach (var (name, value) in examples)
                {
                    foreach (var error in JsonSchemaCheck.Check(media["schema"], value, document))
                    {
                        yield return $"{place} {type} {name}: {error}";
                    }
                }
            }
        }
    }

    private static JsonNode? ValueOf(JsonNode document, JsonNode example) =>
        ((string?)example["$ref"] is { } reference ? JsonSchemaCheck.Resolve(document, reference) : example)?["value"];

    private static IEnumerable<(string Place, JsonNode Body)> Bodies(JsonNode operation) =>
        (operation["requestBody"] is { } request ? [("request", request)] : Enumerable.Empty<(string, JsonNode)>())
        .Concat(operation["responses"]!.AsObject().Select(response => (response.Key, response.Value!)));
}
