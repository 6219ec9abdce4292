using System.Net;
using System.Text.Json;

namespace Desk.Products.Naver;

/// <summary>What Naver answers.</summary>
internal static class NaverAnswers
{
    private const int MaxCode = 16;

    /// <summary>The products that may be shown of the first so many of an answer. One that lacks what a product needs is left out; an answer that is none throws.</summary>
    public static IReadOnlyList<Product> Read(byte[] body, int count, IReadOnlyList<string> hosts)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("items", out var items) && items.ValueKind == JsonValueKind.Array
                ? [.. items.EnumerateArray().Take(count).Where(item => item.ValueKind == JsonValueKind.Object).Select(item => ProductOf(item, hosts)).OfType<Product>()]
                : throw new ProductSearchException(ProductSearchFailure.Malformed, "Naver answered without a list of items");
        }
        catch (JsonException exception)
        {
            throw new ProductSearchException(ProductSearchFailure.Malformed, "Naver answered what is no JSON", exception);
        }
    }

    /// <summary>The failure of another answer. Its message, which may quote the query, is not kept.</summary>
    public static ProductSearchException Failure(HttpStatusCode status, byte[] body, TimeSpan? retryAfter)
    {
        var code = CodeOf(body);
        var failure = (int)status switch
        {
            401 or 403 => ProductSearchFailure.Unauthorized,
            429 when code == "010" => ProductSearchFailure.QuotaExhausted,
            429 => ProductSearchFailure.RateLimited,
            >= 500 => ProductSearchFailure.Unavailable,
            _ => ProductSearchFailure.Refused,
        };
        return new ProductSearchException(failure, $"Naver answered {(int)status}{(code is null ? "" : $" with code {code}")}") { RetryAfter = retryAfter };
    }

    private static Product? ProductOf(JsonElement item, IReadOnlyList<string> hosts)
    {
        var (link, name) = (Text(item, "link"), ProductRules.TextOf(Text(item, "title")));
        if (name.Length == 0 || !ProductRules.IsOnHost(link, hosts) || ProductRules.CodeOf(link!, Text(item, "productId")) is not { } code)
        {
            return null;
        }

        var (main, sub) = ProductRules.CategoryOf(Text(item, "category1"), Text(item, "category2"), Text(item, "category3"), Text(item, "category4"));
        var mall = ProductRules.TextOf(Text(item, "mallName"));
        return new Product(
            name, ProductRules.PriceOf(Text(item, "lprice")), mall.Length > 0 ? mall : ProductRules.UnknownMall, link!, ProductRules.PictureOf(Text(item, "image")), main, sub, code);
    }

    /// <summary>Numbers are texts in Naver's answers; one that is not is read all the same.</summary>
    private static string? Text(JsonElement item, string name) => !item.TryGetProperty(name, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };

    private static string? CodeOf(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("errorCode", out var code)
                && code.ValueKind == JsonValueKind.String && code.GetString() is { Length: > 0 and <= MaxCode } text && text.All(char.IsAsciiLetterOrDigit)
                ? text : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
