using System.Diagnostics.Metrics;
using Desk.Products.Naver;

namespace Desk.Products;

/// <summary>Metrics of products.</summary>
public sealed class ProductMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Desk";

    private readonly Counter<long> _searches;
    private readonly Counter<long> _lookups;
    private readonly Counter<long> _requests;

    public ProductMetrics(IMeterFactory meters, DailyCalls calls)
    {
        var meter = meters.Create(MeterName);
        _searches = meter.CreateCounter<long>("desk.products.searches", "{search}", "Searches for products by source and outcome: found, empty, or the code of a failure");
        _lookups = meter.CreateCounter<long>("desk.products.lookups", "{lookup}", "Queries by where their answer came from: hit, shared with one that ran, or miss");
        _requests = meter.CreateCounter<long>("desk.naver.requests", "{request}", "Requests to Naver by outcome: ok, or the code of a failure");
        meter.CreateObservableGauge("desk.naver.daily.used", () => calls.UsedShare, "1", "Share of the day's requests to Naver that is set aside");
    }

    internal void Searched(ProductSource source, string outcome) => _searches.Add(
        1, new KeyValuePair<string, object?>("source", Name(source)), new KeyValuePair<string, object?>("outcome", outcome));

    internal void Looked(string outcome) => _lookups.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    internal void Asked(string outcome) => _requests.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>A source as configuration, metrics and <c>/info</c> write it.</summary>
    internal static string Name(ProductSource source) => source switch
    {
        ProductSource.Naver => "naver",
        ProductSource.Samples => "samples",
        ProductSource.None => "none",
        _ => "auto",
    };
}
