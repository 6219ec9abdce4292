using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ServiceDefaults;

/// <summary>The JSON of all apps, on the wire and in stores: snake_case, nulls left out, Korean readable.</summary>
public static class TandemJson
{
    /// <summary>Read-only options.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Applies the same settings to options that a framework owns.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.PropertyNameCaseInsensitive = true;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.NumberHandling = JsonNumberHandling.Strict;
        // Responses are JSON with a JSON content type, so HTML need not be escaped.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Apply(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
