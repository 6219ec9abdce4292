using System.ComponentModel.DataAnnotations;

namespace Ai.Catalogue;

/// <summary>
/// One model: section <c>Ai:Models:{id}</c>, which changes single values of a built-in model or adds one. <c>Ai:Models:{id}:Calls</c> changes single values
/// of <see cref="AiOptions.Calls"/> for it.
/// </summary>
public sealed class ModelOptions
{
    /// <summary>
    /// Id <c>provider/name</c>. Default: the entry's key. Needed where the key cannot be the id, because that holds a <c>:</c> (which separates settings) or
    /// because an environment variable has no <c>/</c>: <c>Ai__Models__llama__Id=ollama/llama3.2:3b</c>.
    /// </summary>
    [RegularExpression("[^/]+/.+")]
    public string? Id { get; set; }

    /// <summary>Name that the provider knows it by. Default: what follows the first <c>/</c> of the id.</summary>
    public string? Name { get; set; }

    /// <summary>Name for people.</summary>
    public string? DisplayName { get; set; }

    /// <summary>Tokens of input and output together.</summary>
    [Range(1, int.MaxValue)]
    public int? ContextTokens { get; set; }

    /// <summary>Tokens of output at most.</summary>
    [Range(1, int.MaxValue)]
    public int? OutputTokens { get; set; }

    /// <summary>Reference pictures that one request may carry.</summary>
    [Range(0, 100)]
    public int? MaxReferenceImages { get; set; }

    /// <summary>What it can do, in all: names of <see cref="ModelCapabilities"/> with commas between, e.g. <c>Chat, Streaming</c>.</summary>
    public ModelCapabilities? Capabilities { get; set; }

    /// <summary>US dollars for a million tokens read.</summary>
    [Range(0, 1_000_000)]
    public decimal? InputPerMillion { get; set; }

    /// <summary>US dollars for a million tokens written.</summary>
    [Range(0, 1_000_000)]
    public decimal? OutputPerMillion { get; set; }

    /// <summary>US dollars for a million tokens read that the provider had kept from an earlier request.</summary>
    [Range(0, 1_000_000)]
    public decimal? CachedInputPerMillion { get; set; }

    /// <summary>US dollars for a picture.</summary>
    [Range(0, 1_000_000)]
    public decimal? PerImage { get; set; }
}
