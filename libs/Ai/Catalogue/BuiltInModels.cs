using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ai.Catalogue;

/// <summary>
/// What is known about models without any configuration: <c>models.json</c>. The first model of a kind is its usual one. A family says what a model can
/// do that is not listed, by the beginning of its name, so that a model newer than this file works.
/// </summary>
internal sealed record BuiltInModels(
    IReadOnlyList<BuiltInModel> Models, IReadOnlyList<ModelFamily> Families, IReadOnlyDictionary<string, IReadOnlyDictionary<ModelTier, string>> Tasks)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };
    private static readonly Lazy<BuiltInModels> File = new(Load);

    /// <summary>The file's content.</summary>
    public static BuiltInModels Value => File.Value;

    /// <summary>The family of a model's name; null when it is of none.</summary>
    public ModelFamily? FamilyOf(string name) => Families.FirstOrDefault(family =>
        name.StartsWith(family.Prefix, StringComparison.OrdinalIgnoreCase) && (family.Part is null || name.Contains(family.Part, StringComparison.OrdinalIgnoreCase)));

    private static BuiltInModels Load()
    {
        using var stream = typeof(BuiltInModels).Assembly.GetManifestResourceStream("models.json")!;
        return JsonSerializer.Deserialize<BuiltInModels>(stream, Json)!;
    }
}

/// <summary>A model that providers of some kinds have.</summary>
internal sealed record BuiltInModel(
    IReadOnlyList<string> Kinds, string Name, string DisplayName, IReadOnlyList<string>? Aliases, int ContextTokens, int OutputTokens, int MaxReferenceImages,
    ModelCapabilities Capabilities, ModelPrice? Price);

/// <summary>Models whose name begins alike; the first that fits counts.</summary>
internal sealed record ModelFamily(string Prefix, string? Part, IReadOnlyList<string> Kinds, ModelCapabilities Capabilities, int MaxReferenceImages);
