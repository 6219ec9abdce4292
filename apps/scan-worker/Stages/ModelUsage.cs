using Ai;

namespace ScanWorker.Stages;

/// <summary>What an answer of a model took; beside it stand who gave it and why.</summary>
/// <param name="RequestedModel">Model that was asked for; null in a sum.</param>
/// <param name="Cached">Whether the answer was kept from an earlier call, so that it cost nothing.</param>
/// <param name="InputTokens">Tokens read; null where the provider does not tell.</param>
/// <param name="OutputTokens">Tokens written; likewise.</param>
/// <param name="CostUsd">US dollars; null where the price is not known.</param>
public sealed record ModelUsage(string? RequestedModel, bool Cached, long? InputTokens, long? OutputTokens, decimal? CostUsd)
{
    /// <summary>Of the answer that a model gave.</summary>
    public static ModelUsage Of(Served served) => new(served.Requested, served.Cached, served.InputTokens, served.OutputTokens, served.CostUsd);

    /// <summary>The sum; unknown as soon as one part of it is.</summary>
    public static ModelUsage Sum(IReadOnlyCollection<ModelUsage> parts) => new(
        RequestedModel: null,
        parts.Count > 0 && parts.All(part => part.Cached),
        Sum(parts, part => part.InputTokens),
        Sum(parts, part => part.OutputTokens),
        parts.Any(part => part.CostUsd is null) ? null : parts.Sum(part => part.CostUsd));

    private static long? Sum(IReadOnlyCollection<ModelUsage> parts, Func<ModelUsage, long?> tokens) =>
        parts.Any(part => tokens(part) is null) ? null : parts.Sum(tokens);
}
