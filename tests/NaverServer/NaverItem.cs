using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace NaverServers;

/// <summary>An item as the search answers it: texts only, the words of the query bold in the title.</summary>
public sealed record NaverItem(string Title, string Link)
{
    public string Image { get; init; } = "https://pictures.example/1.jpg";

    public string LowPrice { get; init; } = "10000";

    public string HighPrice { get; init; } = "";

    public string Mall { get; init; } = "샘플몰";

    public string ProductId { get; init; } = "82000000001";

    /// <summary>1 to 12; 1 to 3 are new goods.</summary>
    public string ProductType { get; init; } = "2";

    public string Brand { get; init; } = "";

    public string Maker { get; init; } = "";

    /// <summary>From the most general on; up to four.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>Thinks up the item of a number for a query: in turns of a smartstore, the catalogue, and a mall of its own.</summary>
    public static NaverItem Of(string query, int number)
    {
        var id = Id(query, number);
        var words = WebUtility.HtmlEncode(query);
        return new NaverItem($"샘플 <b>{words}</b> {number}호 &amp; 소품", (number % 3) switch
        {
            1 => $"https://smartstore.naver.com/main/products/{id}",
            2 => $"https://search.shopping.naver.com/catalog/{id}",
            _ => $"https://mall.example/goods?id={id}",
        })
        {
            Image = $"https://pictures.example/{id}.jpg",
            LowPrice = number % 7 == 0 ? "0" : (number * 1_100).ToString(CultureInfo.InvariantCulture),
            Mall = number % 5 == 0 ? "" : number % 3 == 2 ? "네이버" : $"샘플몰 {number}",
            ProductId = (82_000_000_000 + id).ToString(CultureInfo.InvariantCulture),
            ProductType = (number % 3 + 1).ToString(CultureInfo.InvariantCulture),
            Categories = (number % 4) switch
            {
                0 => ["생활/건강", "문구/사무용품"],
                1 => ["디지털/가전", "주변기기", "마우스", "무선마우스"],
                _ => ["가구/인테리어", "인테리어소품", "디퓨저"],
            },
        };
    }

    /// <summary>The item in JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["title"] = Title,
        ["link"] = Link,
        ["image"] = Image,
        ["lprice"] = LowPrice,
        ["hprice"] = HighPrice,
        ["mallName"] = Mall,
        ["productId"] = ProductId,
        ["productType"] = ProductType,
        ["brand"] = Brand,
        ["maker"] = Maker,
        ["category1"] = Category(0),
        ["category2"] = Category(1),
        ["category3"] = Category(2),
        ["category4"] = Category(3),
    };

    private string Category(int place) => place < Categories.Count ? Categories[place] : "";

    /// <summary>The same for the same query in every process.</summary>
    private static long Id(string query, int number) => query.Aggregate(17L, (sum, letter) => (sum * 31 + letter) % 900_000) * 1000 + number;
}
