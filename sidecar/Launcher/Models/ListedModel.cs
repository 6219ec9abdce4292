namespace Launcher.Models;

/// <summary>A model as the apps list it (<c>GET /api/v1/models</c>); of its fields those that the table shows.</summary>
internal sealed record ListedModel(
    string Id, bool IsDefault, int? ContextWindow, int? MaxOutput, IReadOnlyList<string>? Capabilities, ListedPrice? Price, bool Available, string? Reason);

/// <summary>US dollars for a million tokens, or for one picture.</summary>
internal sealed record ListedPrice(decimal? InputPerMillion, decimal? OutputPerMillion, decimal? PerImage);
