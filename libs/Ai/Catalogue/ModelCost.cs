using Microsoft.Extensions.AI;

namespace Ai.Catalogue;

/// <summary>What a call costs.</summary>
public static class ModelCost
{
    private const decimal Million = 1_000_000m;

    /// <summary>US dollars for the tokens used; null where price or tokens are not known.</summary>
    public static decimal? Of(ModelPrice price, UsageDetails? usage)
    {
        if (price.InputPerMillion is not { } input || price.OutputPerMillion is not { } output)
        {
            return null;
        }

        if (input == 0 && output == 0)
        {
            return 0;
        }

        return usage is null ? null : ((usage.InputTokenCount ?? 0) * input + (usage.OutputTokenCount ?? 0) * output) / Million;
    }
}
