using System.Diagnostics.Metrics;

namespace Desk.Products;

/// <summary>Metrics of products.</summary>
public sealed class ProductMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Desk";

    private readonly Counter<long> _searches;

    public ProductMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _searches = meter.CreateCounter<long>("desk.products.searches", "{search}", "Searches for products by source and outcome: found, empty, or the code of a failure");
    }

    internal void Searched(ProductSource source, string outcome) => _searches.Add(
        1, new KeyValuePair<string, object?>("source", Name(source)), new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>A source as configuration, metrics and <c>/info</c> write it.</summary>
    internal static string Name(ProductSource source) => source switch
    {
        ProductSource.Naver => "naver",
        ProductSource.Samples => "samples",
        ProductSource.None => "none",
        _ => "auto",
    };
}
