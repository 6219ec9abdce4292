using Microsoft.Extensions.Options;

namespace Desk.Products;

/// <summary>
/// Products for the keywords of a task. A search that fails means fewer products and no more: it is logged and counted, and only the caller's cancellation
/// throws. The same task with the same findings gets the same products.
/// </summary>
public sealed partial class ProductFinder(
    ProductCatalogues catalogues, IOptions<ProductOptions> options, ProductMetrics metrics, TimeProvider time, ILogger<ProductFinder> logger)
{
    private readonly ProductOptions _options = options.Value;

    /// <summary>One group per keyword, in their order.</summary>
    public async Task<IReadOnlyList<KeywordProducts>> FindAsync(Guid taskId, IReadOnlyList<string> keywords, CancellationToken cancellationToken)
    {
        var picks = new ProductPicks(taskId, keywords.Count, _options.Kept);
        using var limit = new CancellationTokenSource(_options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        if (await ChooseAsync(taskId, either.Token, cancellationToken) is { } catalogue)
        {
            string[] queries = [.. keywords.Take(_options.MaxKeywords).Select(ProductRules.QueryOf)];
            var first = await SearchAsync(catalogue, taskId, queries, either.Token, cancellationToken);
            picks.Choose(first);
            if (picks.Count < _options.Enough && !limit.IsCancellationRequested)
            {
                // What could not be searched for once is not tried in other words.
                string[] others = [.. queries.Select((query, place) => first[place] is null || query.Length == 0 ? "" : $"{query} {_options.Suffix}")];
                picks.Fill(await SearchAsync(catalogue, taskId, others, either.Token, cancellationToken), _options.Enough);
            }
        }

        LogFound(taskId, picks.Count, keywords.Count);
        return [.. keywords.Select((keyword, place) => new KeywordProducts(keyword, picks.Of(place)))];
    }

    private async Task<IProductCatalogue?> ChooseAsync(Guid taskId, CancellationToken limited, CancellationToken cancellationToken)
    {
        try
        {
            return await catalogues.ChooseAsync(limited);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(taskId, "PRODUCT_SOURCE_UNKNOWN", exception);
            return null;
        }
    }

    private Task<IReadOnlyList<Product>?[]> SearchAsync(
        IProductCatalogue catalogue, Guid taskId, IEnumerable<string> queries, CancellationToken limited, CancellationToken cancellationToken) =>
        Task.WhenAll(queries.Select(query => SearchAsync(catalogue, taskId, query, limited, cancellationToken)));

    /// <summary>What is found for a query; null when the search fails.</summary>
    private async Task<IReadOnlyList<Product>?> SearchAsync(
        IProductCatalogue catalogue, Guid taskId, string query, CancellationToken limited, CancellationToken cancellationToken)
    {
        if (query.Length == 0)
        {
            return [];
        }

        try
        {
            var found = await catalogue.SearchAsync(query, _options.Fetched, limited);
            metrics.Searched(catalogue.Source, found.Count > 0 ? "found" : "empty");
            return found;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: a picture without products is better than none.
            var code = exception switch
            {
                ProductSearchException failure => failure.Code,
                OperationCanceledException => ProductSearchException.CodeOf(ProductSearchFailure.Timeout),
                _ => "PRODUCT_SEARCH_FAILED",
            };
            metrics.Searched(catalogue.Source, code);
            LogFailed(taskId, code, exception is ProductSearchException { InnerException: null } or OperationCanceledException ? null : exception);
            return null;
        }
    }

    [LoggerMessage(2240, LogLevel.Warning, "Task {TaskId}: a search for products failed: {Code}")]
    private partial void LogFailed(Guid taskId, string code, Exception? exception);

    [LoggerMessage(2241, LogLevel.Information, "Task {TaskId}: {Products} products for {Keywords} keywords")]
    private partial void LogFound(Guid taskId, int products, int keywords);
}
