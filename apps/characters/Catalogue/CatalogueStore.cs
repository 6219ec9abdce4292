using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Characters.Catalogue;

/// <summary>The catalogue in the state; the file is the seed of a new installation and not read again after it.</summary>
internal sealed class CatalogueStore(DaprClient dapr, CatalogueDocument seed)
{
    private const string Key = "catalogue";

    /// <summary>What is stored, after it was seeded if need be.</summary>
    public Task<CatalogueDocument> ReadAsync(CancellationToken cancellationToken) => dapr.UpdateStateAsync<CatalogueDocument>(
        Components.StateStore, Key, stored => stored ?? seed, cancellationToken: cancellationToken);

    /// <summary>Stores the next version; null when the stored one is not <paramref name="expected"/> (any more).</summary>
    public async Task<CatalogueDocument?> TryReplaceAsync(
        long expected, Func<IReadOnlyList<CatalogueEntry>, IReadOnlyList<CatalogueEntry>> change, CancellationToken cancellationToken)
    {
        var (stored, etag) = await dapr.GetStateAndETagAsync<CatalogueDocument?>(Components.StateStore, Key, cancellationToken: cancellationToken);
        if (stored?.Version != expected)
        {
            return null;
        }

        var next = new CatalogueDocument(expected + 1, change(stored.Entries));
        return await dapr.TrySaveStateAsync(
            Components.StateStore, Key, next, etag, new StateOptions { Concurrency = ConcurrencyMode.FirstWrite }, cancellationToken: cancellationToken)
            ? next
            : null;
    }
}
