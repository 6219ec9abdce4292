using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace Ai.Providers;

/// <summary>Arguments and results of tools as JSON, the same for every protocol.</summary>
internal static class ToolJson
{
    private static readonly JsonTypeInfo<IDictionary<string, object?>> Arguments =
        (JsonTypeInfo<IDictionary<string, object?>>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>));

    /// <summary>A call that a model made. Arguments that are no JSON object are in its <see cref="FunctionCallContent.Exception"/>: the agent tells the model.</summary>
    public static FunctionCallContent Call(string? id, string name, string? arguments) => FunctionCallContent.CreateFromParsedArguments(
        string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments,
        // Some servers leave the id out; the result must name one all the same.
        string.IsNullOrEmpty(id) ? $"call_{Guid.NewGuid():N}" : id,
        name,
        static json => JsonSerializer.Deserialize(json, Arguments) ?? throw new JsonException("the arguments are null"));

    /// <summary>The arguments of a call, a JSON object.</summary>
    public static string ArgumentsOf(FunctionCallContent call) => call.Arguments is { } arguments ? JsonSerializer.Serialize(arguments, Arguments) : "{}";

    /// <summary>The result of a tool as text: strings as they are, the rest as JSON.</summary>
    public static string ResultOf(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception is null ? "" : """{"error":"the tool failed"}""",
        string text => text,
        JsonElement json => json.GetRawText(),
        var value => JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType())),
    };

    /// <summary>
    /// Whether a schema keeps to what providers demand of strict schemas: every object names its properties, requires them all and allows no others.
    /// </summary>
    public static bool IsStrict(JsonElement schema) => schema.ValueKind switch
    {
        JsonValueKind.Object => ObjectIsStrict(schema) && schema.EnumerateObject().All(member => IsStrict(member.Value)),
        JsonValueKind.Array => schema.EnumerateArray().All(IsStrict),
        _ => true,
    };

    private static bool ObjectIsStrict(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String || !type.ValueEquals("object"))
        {
            return true;
        }

        if (!schema.TryGetProperty("additionalProperties", out var others) || others.ValueKind != JsonValueKind.False
            || !schema.TryGetProperty("properties", out var properties))
        {
            return false;
        }

        var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet() : [];
        return properties.EnumerateObject().All(property => required.Contains(property.Name));
    }
}
