using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Catalogue;

/// <summary>What a call costs, the same for answers, spans and budgets.</summary>
public static class ModelCost
{
    private const decimal Million = 1_000_000m;

    /// <summary>
    /// US dollars of a call to a model: pictures by the piece where the model has such a price, everything else by its tokens, those that the provider had
    /// kept at their own price. Null where tokens, or the price of what was used, are not known.
    /// </summary>
    public static decimal? Of(ModelCall call, ModelInfo model, UsageDetails? usage)
    {
        var price = model.Price;
        if (call is ImageCall image && price.PerImage is { } each)
        {
            return each * (image.Options?.Count ?? 1);
        }

        if (price is { InputPerMillion: 0, OutputPerMillion: 0 })
        {
            return 0;
        }

        if (usage is null)
        {
            return null;
        }

        var input = usage.InputTokenCount ?? 0;
        var kept = price.CachedInputPerMillion is null ? 0 : Math.Min(usage.CachedInputTokenCount ?? 0, input);
        return Times(input - kept, price.InputPerMillion) + Times(kept, price.CachedInputPerMillion) + Times(usage.OutputTokenCount ?? 0, price.OutputPerMillion);
    }

    /// <summary>Nothing costs nothing, whatever the price.</summary>
    private static decimal? Times(long tokens, decimal? perMillion) => tokens == 0 ? 0 : tokens * perMillion / Million;
}
