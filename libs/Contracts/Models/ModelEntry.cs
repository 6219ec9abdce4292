namespace Contracts.Models;

/// <summary>A model as <c>GET /api/v1/models</c> lists it: what a request may name, and whether it can be asked just now.</summary>
/// <param name="Id">Id that requests name.</param>
/// <param name="Provider">Name of its provider in the configuration.</param>
/// <param name="Name">Name that the provider knows it by; requests may name that too.</param>
/// <param name="DisplayName">Name for people.</param>
/// <param name="Aliases">Other names that requests may use.</param>
/// <param name="IsDefault">Whether it answers when a request names none.</param>
/// <param name="ContextWindow">Tokens of input and output together; null where it is not known.</param>
/// <param name="MaxOutput">Tokens of output at most; null where it is not known.</param>
/// <param name="SupportsStream">Whether it answers in pieces.</param>
/// <param name="SupportsVision">Whether it takes pictures.</param>
/// <param name="Capabilities">All that it can do: chat, vision, tools, json_schema, streaming, embeddings, images, image_edits.</param>
/// <param name="MaxReferenceImages">Reference pictures that one request may carry; null where it takes none or it is not known.</param>
/// <param name="Price">What it costs; null where it is not known.</param>
/// <param name="Available">Whether it can be asked just now.</param>
/// <param name="Reason">Why not; null when it can.</param>
public sealed record ModelEntry(
    string Id, string Provider, string Name, string DisplayName, IReadOnlyList<string> Aliases, bool IsDefault, int? ContextWindow, int? MaxOutput, bool SupportsStream,
    bool SupportsVision, IReadOnlyList<string> Capabilities, int? MaxReferenceImages, ModelEntryPrice? Price, bool Available, string? Reason);

/// <summary>US dollars for a million tokens, or for one picture; null where a number is not known.</summary>
/// <param name="InputPerMillion">Tokens read.</param>
/// <param name="OutputPerMillion">Tokens written.</param>
/// <param name="CachedInputPerMillion">Tokens read that the provider had kept.</param>
/// <param name="PerImage">One picture.</param>
/// <param name="Date">Day on which it was looked up; null where the configuration gives it.</param>
/// <param name="Source">Where it was looked up.</param>
/// <param name="Note">What the numbers leave out.</param>
public sealed record ModelEntryPrice(
    decimal? InputPerMillion, decimal? OutputPerMillion, decimal? CachedInputPerMillion, decimal? PerImage, DateOnly? Date, string? Source, string? Note);
