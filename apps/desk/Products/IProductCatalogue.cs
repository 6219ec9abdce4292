namespace Desk.Products;

/// <summary>Where products are found.</summary>
public interface IProductCatalogue
{
    /// <summary>Which one it is.</summary>
    ProductSource Source { get; }

    /// <summary>
    /// The first so many products for a query that may be shown, the best first; throws <see cref="ProductSearchException"/>. The same query within the time
    /// that answers are kept gives the same.
    /// </summary>
    Task<IReadOnlyList<Product>> SearchAsync(string query, int count, CancellationToken cancellationToken);
}
