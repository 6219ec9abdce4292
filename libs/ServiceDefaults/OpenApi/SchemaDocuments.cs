using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ServiceDefaults.OpenApi;

/// <summary>Schemas as our JSON really is: nulls are left out, so only what cannot be null is required; limits and doc comments of records are told.</summary>
internal sealed class SchemaDocuments : IOpenApiSchemaTransformer
{
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonPropertyInfo is null && context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object && schema.Properties is { } properties)
        {
            schema.Description ??= DocComments.OfType(context.JsonTypeInfo.Type);
            schema.Required = context.JsonTypeInfo.Properties.Where(IsRequired).Select(property => property.Name).Where(properties.ContainsKey).ToHashSet();
            foreach (var property in context.JsonTypeInfo.Properties)
            {
                if (properties.TryGetValue(property.Name, out var described) && described is OpenApiSchema inline)
                {
                    Describe(inline, context.JsonTypeInfo.Type, property);
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>A member that may be null is there all the same where it says so.</summary>
    private static bool IsRequired(JsonPropertyInfo property) =>
        Attributes(property).OfType<RequiredAttribute>().Any()
        || property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), false) is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }]
        || (property is { IsGetNullable: false, AssociatedParameter: null or { HasDefaultValue: false } } && Nullable.GetUnderlyingType(property.PropertyType) is null);

    private static void Describe(OpenApiSchema schema, Type type, JsonPropertyInfo property)
    {
        // Bodies of their own are described where they stand.
        var member = (property.AttributeProvider as MemberInfo)?.Name;
        if (member is not null && schema.Metadata?.ContainsKey("x-schema-id") != true)
        {
            schema.Description ??= DocComments.OfProperty(type, member);
        }

        foreach (var attribute in Attributes(property))
        {
            switch (attribute)
            {
                case StringLengthAttribute length:
                    schema.MaxLength = length.MaximumLength;
                    schema.MinLength = length.MinimumLength > 0 ? length.MinimumLength : schema.MinLength;
                    break;
                case MaxLengthAttribute most when schema.Type?.HasFlag(JsonSchemaType.Array) == true:
                    schema.MaxItems = most.Length;
                    break;
                case MaxLengthAttribute most when schema.Type?.HasFlag(JsonSchemaType.Object) == true:
                    schema.MaxProperties = most.Length;
                    break;
                case MaxLengthAttribute most:
                    schema.MaxLength = most.Length;
                    break;
                case MinLengthAttribute least when schema.Type?.HasFlag(JsonSchemaType.Array) == true:
                    schema.MinItems = least.Length;
                    break;
                case MinLengthAttribute least:
                    schema.MinLength = least.Length;
                    break;
                case RangeAttribute { Minimum: IConvertible minimum, Maximum: IConvertible maximum } range when range.OperandType != typeof(TimeSpan):
                    schema.Minimum = minimum.ToString(CultureInfo.InvariantCulture);
                    schema.Maximum = maximum.ToString(CultureInfo.InvariantCulture);
                    break;
                case UrlAttribute:
                    schema.Format = "uri";
                    break;
                case EmailAddressAttribute:
                    schema.Format = "email";
                    break;
                case RegularExpressionAttribute pattern:
                    schema.Pattern = pattern.Pattern;
                    break;
                case RequiredAttribute:
                    schema.Type &= ~JsonSchemaType.Null;
                    break;
            }
        }
    }

    /// <summary>Attributes of the property and of the constructor's parameter that sets it: records have them there.</summary>
    private static IEnumerable<object> Attributes(JsonPropertyInfo property) =>
        (property.AttributeProvider?.GetCustomAttributes(false) ?? []).Concat(property.AssociatedParameter?.AttributeProvider?.GetCustomAttributes(false) ?? []);
}
