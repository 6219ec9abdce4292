using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace ServiceDefaults.OpenApi;

/// <summary>Examples made from schemas, always the same: what is known by the member's name, else by its format and limits.</summary>
internal static class Samples
{
    /// <summary>Deep enough for every body of ours; ends schemas that contain themselves.</summary>
    private const int MaxDepth = 8;

    private static readonly Dictionary<string, string> Texts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["access_token"] = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMTk3In0.c2lnbmF0dXJl",
        ["alg"] = "RS256",
        ["app"] = "scan",
        ["channel"] = "scan",
        ["character_name"] = "페티",
        ["code"] = "char-petty",
        ["content_type"] = "image/jpeg",
        ["current_stage"] = "answer",
        ["dialog"] = "안녕! 나는 투명한 페트병이야.",
        ["display_name"] = "초록이",
        ["email"] = "person@tandem.example",
        ["etag"] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ["file"] = "0197a1b2c3d47e5f8a9b0c1d2e3f4a5b.jpg",
        ["filename"] = "bottle.jpg",
        ["key"] = "scan/0197a1b2c3d47e5f8a9b0c1d2e3f4a5b.jpg",
        ["kid"] = "2026-01-31",
        ["kty"] = "RSA",
        ["message"] = "페트병은 내용물을 비우고 라벨을 떼어 내요.",
        ["match"] = "무색페트병",
        ["model"] = "local/vision",
        ["name"] = "페티",
        ["nickname"] = "초록이",
        ["phone_number"] = "010-1234-5678",
        ["provider"] = "google",
        ["result_url"] = "/api/v1/scan/0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b/result",
        ["stage"] = "answer",
        ["status"] = "completed",
        ["stream_url"] = "/api/v1/scan/0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b/events",
        ["trace_id"] = "0af7651916cd43dd8448eb211c80319c",
        ["type"] = "투명 페트병",
        ["uploader_id"] = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        ["use"] = "sig",
        ["user_id"] = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        ["user_input"] = "라벨도 떼어야 하나요?",
    };

    /// <summary>An example of a schema.</summary>
    public static JsonNode? Of(IOpenApiSchema? schema, string name = "", int depth = 0)
    {
        if (schema is OpenApiSchemaReference { Target: { } target })
        {
            schema = target;
        }

        if (schema is null || depth > MaxDepth)
        {
            return null;
        }

        if ((schema.Examples?.FirstOrDefault() ?? schema.Default ?? schema.Enum?.FirstOrDefault()) is { } given)
        {
            return given.DeepClone();
        }

        if ((schema.OneOf ?? schema.AnyOf)?.FirstOrDefault(one => one.Type != JsonSchemaType.Null) is { } chosen)
        {
            return Of(chosen, name, depth);
        }

        var type = schema.Type & ~JsonSchemaType.Null;
        if (type is null && schema.Properties is { Count: > 0 })
        {
            type = JsonSchemaType.Object;
        }

        return type switch
        {
            JsonSchemaType.Object => OfObject(schema, depth),
            JsonSchemaType.Array => Of(schema.Items, name, depth + 1) is { } item ? new JsonArray(item) : [],
            JsonSchemaType.Boolean => true,
            JsonSchemaType.Integer or JsonSchemaType.Number => OfNumber(schema, name),
            JsonSchemaType.String => OfText(schema, name),
            // Any JSON.
            _ => new JsonObject(),
        };
    }

    private static JsonObject OfObject(IOpenApiSchema schema, int depth)
    {
        var example = new JsonObject();
        foreach (var (name, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            // What may be left out is left out where it would not end.
            if (Of(property, name, depth + 1) is { } value)
            {
                example[name] = value;
            }
        }

        if (schema.AdditionalProperties is { } more && Of(more, "", depth + 1) is { } other)
        {
            example["name"] = other;
        }

        return example;
    }

    private static JsonNode OfNumber(IOpenApiSchema schema, string name)
    {
        var wanted = name switch { "progress" => 60, "expires_in" => 900, "points" => 10, "content_length" => 182_044, _ => 1 };
        return schema.Minimum is { } minimum && decimal.Parse(minimum, CultureInfo.InvariantCulture) is var least && least > wanted ? JsonValue.Create(least) : wanted;
    }

    private static JsonNode OfText(IOpenApiSchema schema, string name)
    {
        var text = schema.Format switch
        {
            "uuid" => "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
            "date-time" => "2026-01-31T09:00:00+00:00",
            "date" => "2026-01-31",
            "uri" when name.EndsWith("cdn_url", StringComparison.Ordinal) || name == "image_url" => "https://tandem.example/api/v1/images/scan/0197a1b2c3d47e5f8a9b0c1d2e3f4a5b.jpg",
            "uri" when name == "upload_url" => "https://tandem.example/api/v1/images/upload/scan/0197a1b2c3d47e5f8a9b0c1d2e3f4a5b.jpg",
            "uri" => "https://tandem.example/",
            "byte" => "AQAB",
            _ => Texts.GetValueOrDefault(name) ?? "text",
        };
        return schema.MinLength > text.Length ? text.PadRight(schema.MinLength.Value, 'x') : schema.MaxLength < text.Length ? text[..schema.MaxLength.Value] : text;
    }
}
