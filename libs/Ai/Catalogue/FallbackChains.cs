using System.Collections.Concurrent;
using Ai.Local;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>
/// Which models answer instead of one that cannot: those of <see cref="AiOptions.Fallback"/>, else (others.md §B4) a smaller one of the same provider, one of
/// each other provider, the embedded one. Only models that can do what the call needs. Embeddings of different models do not compare, so they have a
/// chain only where one is configured.
/// </summary>
internal sealed partial class FallbackChains(ModelCatalogue catalogue, IOptions<AiOptions> options, ILogger<FallbackChains> logger)
{
    private readonly ConcurrentDictionary<(string Model, ModelCapabilities Needs), ModelInfo[]> _chains = new();

    /// <summary>The chain of a model, without itself, for calls with such needs.</summary>
    public IReadOnlyList<ModelInfo> Of(ModelInfo model, ModelCapabilities needs) =>
        _chains.TryGetValue((model.Id, needs), out var chain) ? chain : _chains.GetOrAdd((model.Id, needs), _ => Make(model, needs));

    /// <summary>The chain of a model that has no list of its own.</summary>
    internal static ModelInfo[] Default(ModelInfo model, IReadOnlyList<ModelInfo> all, ModelCapabilities needs)
    {
        if (needs.HasFlag(ModelCapabilities.Embeddings))
        {
            return [];
        }

        var others = all.Where(other => Suits(other, model, needs)).ToArray();
        var smaller = others.Where(other => other.Provider == model.Provider && PriceOf(other) < PriceOf(model)).MaxBy(PriceOf);
        return
        [
            .. smaller is null ? [] : new[] { smaller },
            .. others.Where(other => other.Provider != model.Provider && other.Provider != LocalProvider.Name)
                .GroupBy(other => other.Provider)
                .Select(provider => provider.Where(other => !(PriceOf(other) > PriceOf(model))).MaxBy(PriceOf) ?? provider.MinBy(PriceOf)!),
            .. others.Where(other => other.Provider == LocalProvider.Name && model.Provider != LocalProvider.Name),
        ];
    }

    private ModelInfo[] Make(ModelInfo model, ModelCapabilities needs)
    {
        if (options.Value.Fallback.TryGetValue(model.Id, out var configured))
        {
            return [.. configured.Select(id => Find(model, id)).OfType<ModelInfo>().Where(other => Suits(other, model, needs))];
        }

        return options.Value.FallbackByDefault ? Default(model, catalogue.All, needs) : [];
    }

    private ModelInfo? Find(ModelInfo model, string id)
    {
        var found = catalogue.All.FirstOrDefault(other => other.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
        if (found is null)
        {
            LogMissing(model.Id, id);
        }

        return found;
    }

    private static bool Suits(ModelInfo other, ModelInfo model, ModelCapabilities needs) => other.Id != model.Id && (needs & ~other.Capabilities) == 0;

    /// <summary>What is written costs the most, and what draws has a price for each.</summary>
    private static decimal? PriceOf(ModelInfo model) => model.Price.OutputPerMillion ?? model.Price.PerImage;

    [LoggerMessage(1931, LogLevel.Warning, "Ai:Fallback of {Model} names {Missing}, which is not configured and is left out")]
    private partial void LogMissing(string model, string missing);
}
