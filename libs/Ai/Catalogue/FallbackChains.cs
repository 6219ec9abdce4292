using System.Collections.Concurrent;
using Ai.Local;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>
/// Which models answer instead of one that cannot: those of <see cref="AiOptions.Fallback"/>, else (others.md §B4) a smaller one of the same provider, one of
/// each other provider, the embedded one. Only models that can do what the call needs. Embeddings of different models do not compare, so they have a
/// chain only where one is configured; so has the embedded model.
/// </summary>
internal sealed class FallbackChains(ModelCatalogue catalogue, IOptions<AiOptions> options)
{
    private readonly ConcurrentDictionary<(string Model, ModelCapabilities Needs), ModelInfo[]> _chains = new();

    /// <summary>The chain of a model, without itself, for calls with such needs.</summary>
    public IReadOnlyList<ModelInfo> Of(ModelInfo model, ModelCapabilities needs) =>
        _chains.TryGetValue((model.Id, needs), out var chain) ? chain : _chains.GetOrAdd((model.Id, needs), _ => Make(model, needs));

    /// <summary>The chain of a model that has no list of its own.</summary>
    internal static ModelInfo[] Default(ModelInfo model, IReadOnlyList<ModelInfo> all, ModelCapabilities needs)
    {
        // Whoever chose the embedded model sends nothing away.
        if (needs.HasFlag(ModelCapabilities.Embeddings) || model.Provider == LocalProvider.Name)
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
            .. others.Where(other => other.Provider == LocalProvider.Name),
        ];
    }

    private ModelInfo[] Make(ModelInfo model, ModelCapabilities needs)
    {
        // Names that name nothing have stopped the start.
        if (options.Value.Fallback.FirstOrDefault(chain => catalogue.Resolve(chain.Key)?.Id == model.Id).Value is { } configured)
        {
            return [.. configured.Select(catalogue.Resolve).OfType<ModelInfo>().Where(other => Suits(other, model, needs))];
        }

        return options.Value.FallbackByDefault ? Default(model, catalogue.All, needs) : [];
    }

    private static bool Suits(ModelInfo other, ModelInfo model, ModelCapabilities needs) => other.Id != model.Id && other.Can(needs);

    /// <summary>What is written costs the most, and what draws has a price for each.</summary>
    private static decimal? PriceOf(ModelInfo model) => model.Price.OutputPerMillion ?? model.Price.PerImage;
}
