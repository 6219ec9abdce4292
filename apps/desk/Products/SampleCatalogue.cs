using System.Globalization;
using System.Text.Json;
using Ai.Local.Text;
using ServiceDefaults;

namespace Desk.Products;

/// <summary>Invented products, found by the words they share with a query, so that a fresh machine has some. They say what they are and lead nowhere.</summary>
public sealed class SampleCatalogue : IProductCatalogue, IDisposable
{
    /// <summary>Who sells them.</summary>
    public const string PurchasePlace = "샘플 (실제 상품 아님)";

    /// <summary>What has less in common with a query is about something else.</summary>
    private const double MinScore = 0.3;

    /// <summary>Nor is what is this much worse than the best: a lamp is not proposed with a keyboard beside it because both are quiet.</summary>
    private const double MinShare = 0.5;

    private static readonly IReadOnlyList<Sample> Samples = Read();

    private readonly LexicalIndex _index = new();
    private readonly Dictionary<string, Product> _products = new(StringComparer.Ordinal);

    public SampleCatalogue()
    {
        foreach (var (place, sample) in Samples.Index())
        {
            var code = string.Create(CultureInfo.InvariantCulture, $"sample-{place + 1:000}");
            _products[code] = new Product(
                sample.Name, sample.Price, PurchasePlace, $"https://samples.example/products/{code}", $"https://samples.example/images/{code}.jpg", sample.Main, sample.Sub, code);
            _index.Add(new LexicalDocument(code, sample.Name, $"{sample.Main} {sample.Sub} {string.Join(' ', sample.Tags)}") { Tags = sample.Tags });
        }
    }

    public ProductSource Source => ProductSource.Samples;

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<Product> All => _products.Values;

    public Task<IReadOnlyList<Product>> SearchAsync(string query, int count, CancellationToken cancellationToken)
    {
        var hits = _index.Search(query, count);
        var least = Math.Max(MinScore, hits.Count == 0 ? 0 : hits[0].Score * MinShare);
        return Task.FromResult<IReadOnlyList<Product>>([.. hits.Where(hit => hit.Score >= least).Select(hit => _products[hit.Document.Id])]);
    }

    public void Dispose() => _index.Dispose();

    private static IReadOnlyList<Sample> Read()
    {
        using var file = typeof(SampleCatalogue).Assembly.GetManifestResourceStream("samples.json")!;
        return JsonSerializer.Deserialize<IReadOnlyList<Sample>>(file, TandemJson.Options)!;
    }

    private sealed record Sample(string Name, int Price, string Main, string Sub, IReadOnlyList<string> Tags);
}
