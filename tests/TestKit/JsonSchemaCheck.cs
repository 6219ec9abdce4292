using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TestKit;

/// <summary>
/// Checks JSON against a schema of an OpenAPI 3.1 document (JSON Schema 2020-12, the part that our documents use). A keyword that it does not
/// know is an error, so that nothing passes because it was not looked at.
/// </summary>
public static class JsonSchemaCheck
{
    private static readonly HashSet<string> Words =
        ["description", "title", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "discriminator"];

    /// <summary>What is wrong with the value, each with its place; empty when it fits.</summary>
    /// <param name="schema">Schema.</param>
    /// <param name="value">Value; null is JSON null.</param>
    /// <param name="document">Where references lead to.</param>
    public static IReadOnlyList<string> Check(JsonNode? schema, JsonNode? value, JsonNode document)
    {
        var errors = new List<string>();
        Check(schema, value, document, "$", errors);
        return errors;
    }

    private static void Check(JsonNode? schema, JsonNode? value, JsonNode document, string place, List<string> errors)
    {
        if (schema is JsonValue always && always.GetValueKind() is JsonValueKind.True or JsonValueKind.False)
        {
            if (always.GetValueKind() == JsonValueKind.False)
            {
                errors.Add($"{place}: nothing is allowed here");
            }

            return;
        }

        if (schema is not JsonObject keywords)
        {
            errors.Add($"{place}: there is no schema");
            return;
        }

        foreach (var (keyword, rule) in keywords)
        {
            if (!Words.Contains(keyword) && !keyword.StartsWith("x-", StringComparison.Ordinal))
            {
                Apply(keyword, rule!, keywords, value, document, place, errors);
            }
        }
    }

    private static void Apply(string keyword, JsonNode rule, JsonObject keywords, JsonNode? value, JsonNode document, string place, List<string> errors)
    {
        var text = value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
        var number = value?.GetValueKind() == JsonValueKind.Number ? decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) : (decimal?)null;
        var members = value as JsonObject;
        var items = value as JsonArray;
        var fits = keyword switch
        {
            "$ref" => Into(Resolve(document, rule.GetValue<string>()), value),
            "type" => (rule is JsonArray types ? types.Select(type => type!.GetValue<string>()) : [rule.GetValue<string>()]).Any(type => IsOf(type, value)),
            "enum" => rule.AsArray().Any(one => JsonNode.DeepEquals(one, value)),
            "const" => JsonNode.DeepEquals(rule, value),
            "allOf" => rule.AsArray().All(one => Into(one, value)),
            "anyOf" => rule.AsArray().Any(one => Matches(one)),
            "oneOf" => rule.AsArray().Count(Matches) == 1,
            "not" => !Matches(rule),
            "required" => members is null || rule.AsArray().All(name => members.ContainsKey(name!.GetValue<string>())),
            "properties" => members is null || rule.AsObject().All(property => !members.TryGetPropertyValue(property.Key, out var member) || At(property.Value, member, property.Key)),
            "additionalProperties" => members is null || members.All(member => keywords["properties"]?[member.Key] is not null || At(rule, member.Value, member.Key)),
            "minProperties" => members is null || members.Count >= rule.GetValue<int>(),
            "maxProperties" => members is null || members.Count <= rule.GetValue<int>(),
            "items" => items is null || items.Index().All(item => At(rule, item.Item, item.Index.ToString(CultureInfo.InvariantCulture))),
            "minItems" => items is null || items.Count >= rule.GetValue<int>(),
            "maxItems" => items is null || items.Count <= rule.GetValue<int>(),
            "uniqueItems" => items is null || !rule.GetValue<bool>() || items.Select(item => item?.ToJsonString()).Distinct().Count() == items.Count,
            "minLength" => text is null || new StringInfo(text).LengthInTextElements >= rule.GetValue<int>(),
            "maxLength" => text is null || new StringInfo(text).LengthInTextElements <= rule.GetValue<int>(),
            "pattern" => text is null || Regex.IsMatch(text, rule.GetValue<string>(), RegexOptions.None, TimeSpan.FromMinutes(1)),
            "minimum" => number is null || number >= NumberOf(rule),
            "maximum" => number is null || number <= NumberOf(rule),
            "exclusiveMinimum" => number is null || number > NumberOf(rule),
            "exclusiveMaximum" => number is null || number < NumberOf(rule),
            "multipleOf" => number is null || number % NumberOf(rule) == 0,
            "format" => IsFormat(rule.GetValue<string>(), text, number),
            _ => false,
        };
        if (!fits)
        {
            errors.Add($"{place}: {keyword} {rule.ToJsonString()} does not accept {value?.ToJsonString() ?? "null"}");
        }

        bool Matches(JsonNode? one) => Check(one, value, document).Count == 0;
        bool Into(JsonNode? one, JsonNode? of)
        {
            Check(one, of, document, place, errors);
            return true;
        }

        bool At(JsonNode? one, JsonNode? of, string name)
        {
            Check(one, of, document, $"{place}.{name}", errors);
            return true;
        }
    }

    /// <summary>What a reference into the document leads to.</summary>
    public static JsonNode? Resolve(JsonNode document, string reference)
    {
        JsonNode? node = reference.StartsWith("#/", StringComparison.Ordinal) ? document : null;
        foreach (var part in reference[2..].Split('/'))
        {
            node = node?[part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)];
        }

        return node;
    }

    private static decimal NumberOf(JsonNode rule) => decimal.Parse(rule.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static bool IsOf(string type, JsonNode? value) => (type, value?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        ("null", JsonValueKind.Null) or ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String)
            or ("number", JsonValueKind.Number) or ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("integer", JsonValueKind.Number) => decimal.IsInteger(NumberOf(value!)),
        _ => false,
    };

    private static bool IsFormat(string format, string? text, decimal? number) => format switch
    {
        "uuid" => text is null || Guid.TryParseExact(text, "D", out _),
        "date-time" => text is null || (text.Contains('T') && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _)),
        "date" => text is null || DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
        "uri" => text is null || Uri.TryCreate(text, UriKind.Absolute, out _),
        "email" => text is null || text.IndexOf('@') is > 0 and var at && at < text.Length - 1,
        "int32" => number is null || (decimal.IsInteger(number.Value) && number is >= int.MinValue and <= int.MaxValue),
        "int64" => number is null || decimal.IsInteger(number.Value),
        "double" or "float" or "binary" => true,
        _ => false,
    };
}
