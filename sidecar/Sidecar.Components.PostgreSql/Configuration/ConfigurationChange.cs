using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Configuration;

/// <summary>A notification of the trigger: <c>{"table", "action", "data": {row}}</c>.</summary>
/// <param name="Table">Name of the table, or null.</param>
/// <param name="Key">Key of the row.</param>
/// <param name="Version">Version of the row.</param>
/// <param name="IsRemoval">Whether the row is gone.</param>
/// <param name="Item">The row; null when the trigger left the value out, because it is too long for a notification.</param>
internal sealed record ConfigurationChange(string? Table, string Key, string Version, bool IsRemoval, ConfigurationItem? Item)
{
    /// <summary>Null for what is no such notification.</summary>
    public static ConfigurationChange? Parse(string payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            var root = document.RootElement;
            var data = Property(root, "data");
            if (data.ValueKind != JsonValueKind.Object || Property(data, "key") is not { ValueKind: JsonValueKind.String } key)
            {
                return null;
            }

            var version = Text(Property(data, "version")) ?? "";
            return new ConfigurationChange(
                Text(Property(root, "table")), key.GetString()!, version, "DELETE".Equals(Text(Property(root, "action")), StringComparison.OrdinalIgnoreCase),
                Text(Property(data, "value")) is { } value ? new ConfigurationItem(value, version, ConfigurationTable.Metadata(Property(data, "metadata"))) : null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // A trigger may write names in either case, as the columns are.
    private static JsonElement Property(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object
        ? element.EnumerateObject().FirstOrDefault(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value
        : default;

    private static string? Text(JsonElement element) => element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? null : element.ToString();
}
