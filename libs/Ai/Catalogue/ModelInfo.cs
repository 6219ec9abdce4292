namespace Ai.Catalogue;

/// <summary>What a model can do.</summary>
[Flags]
public enum ModelCapabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Text in, text out.</summary>
    Chat = 1,

    /// <summary>Pictures in.</summary>
    Vision = 2,

    /// <summary>Calls of tools, several in one turn.</summary>
    Tools = 4,

    /// <summary>Answers by JSON schema.</summary>
    JsonSchema = 8,

    /// <summary>Answers in pieces.</summary>
    Streaming = 16,

    /// <summary>Embeddings.</summary>
    Embeddings = 32,

    /// <summary>Pictures from text.</summary>
    Images = 64,

    /// <summary>Pictures from pictures: edits and references.</summary>
    ImageEdits = 128,
}

/// <summary>Price in US dollars for a million tokens, or for one picture. Zero where it costs nothing; null where it is not known.</summary>
/// <param name="InputPerMillion">Tokens read.</param>
/// <param name="OutputPerMillion">Tokens written.</param>
/// <param name="CachedInputPerMillion">Tokens read that the provider had kept from an earlier request.</param>
/// <param name="PerImage">One picture of the usual size.</param>
public sealed record ModelPrice(decimal? InputPerMillion = null, decimal? OutputPerMillion = null, decimal? CachedInputPerMillion = null, decimal? PerImage = null)
{
    /// <summary>Day on which the price was looked up; null where the configuration gives it.</summary>
    public DateOnly? Date { get; init; }

    /// <summary>Where it was looked up.</summary>
    public string? Source { get; init; }

    /// <summary>What the numbers leave out, for people.</summary>
    public string? Note { get; init; }
}

/// <summary>One model of the catalogue.</summary>
public sealed record ModelInfo
{
    /// <summary>Id that requests name: <c>provider/name</c>, e.g. <c>openai/gpt-5.2</c>; <c>local</c> for the embedded provider.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the provider's entry in the configuration, e.g. <c>openai</c>, <c>ollama</c>.</summary>
    public required string Provider { get; init; }

    /// <summary>Name that the provider knows it by.</summary>
    public required string Name { get; init; }

    /// <summary>Name for people; the provider's where there is none.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Other names that requests may use.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Tokens of input and output together; 0 where it is not known.</summary>
    public int ContextTokens { get; init; }

    /// <summary>Tokens of output at most; 0 where it is not known.</summary>
    public int OutputTokens { get; init; }

    /// <summary>Reference pictures that one request may carry; 0 where it is not known.</summary>
    public int MaxReferenceImages { get; init; }

    /// <summary>What it can do.</summary>
    public ModelCapabilities Capabilities { get; init; }

    /// <summary>What it costs.</summary>
    public ModelPrice Price { get; init; } = new();

    /// <summary>What of <paramref name="needs"/> it cannot do.</summary>
    public ModelCapabilities Lacks(ModelCapabilities needs) => needs & ~Capabilities;

    /// <summary>Whether it can do all of it.</summary>
    public bool Can(ModelCapabilities needs) => Lacks(needs) == 0;
}
