using System.Text.Json;

namespace Dapr.Workflow.Serialization;

/// <summary>Payloads as JSON text: null is the empty text, and the empty text is a default value.</summary>
internal sealed class WorkflowJson(JsonSerializerOptions options)
{
    /// <summary>Web defaults and fields, as the official worker has them.</summary>
    public static readonly WorkflowJson Default = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { IncludeFields = true });

    public string Serialize(object? value) => value is null ? "" : JsonSerializer.Serialize(value, value.GetType(), options);

    public T? Deserialize<T>(string? json) => string.IsNullOrEmpty(json) ? default : JsonSerializer.Deserialize<T>(json, options);

    public object? Deserialize(string? json, Type type)
    {
        if (string.IsNullOrEmpty(json))
        {
            return type.IsValueType && Nullable.GetUnderlyingType(type) is null ? Activator.CreateInstance(type) : null;
        }

        return JsonSerializer.Deserialize(json, type, options);
    }
}
