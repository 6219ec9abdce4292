using Desk.Products.Naver;
using Microsoft.Extensions.Options;

namespace Desk.Products;

/// <summary>Chooses where products are found, see <see cref="ProductOptions.Source"/>; says in the log when that changes.</summary>
public sealed partial class ProductCatalogues(
    IEnumerable<IProductCatalogue> catalogues, NaverCredentials credentials, IOptions<ProductOptions> options, IHostEnvironment environment,
    ILogger<ProductCatalogues> logger)
{
    private readonly Lock _gate = new();
    private ProductSource? _said;

    /// <summary>Where products are found now; the first question reads the secret.</summary>
    public async Task<ProductSource> SourceAsync(CancellationToken cancellationToken)
    {
        var source = options.Value.Source != ProductSource.Auto ? options.Value.Source
            : await credentials.FindAsync(cancellationToken) is not null ? ProductSource.Naver
            : environment.IsDevelopment() ? ProductSource.Samples
            : ProductSource.None;
        lock (_gate)
        {
            if (_said != source)
            {
                _said = source;
                LogSource(ProductMetrics.Name(source));
            }
        }

        return source;
    }

    /// <summary>The catalogue; null when there is none.</summary>
    internal async Task<IProductCatalogue?> ChooseAsync(CancellationToken cancellationToken)
    {
        var source = await SourceAsync(cancellationToken);
        return catalogues.FirstOrDefault(catalogue => catalogue.Source == source);
    }

    [LoggerMessage(2242, LogLevel.Information, "Products come from: {Source}")]
    private partial void LogSource(string source);
}
