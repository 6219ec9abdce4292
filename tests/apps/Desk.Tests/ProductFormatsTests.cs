using System.Drawing;
using System.Text.Json;
using Desk.Products;
using ServiceDefaults;

namespace Desk.Tests;

/// <summary>The two shapes in which products are told.</summary>
public sealed class ProductFormatsTests
{
    private static readonly KeywordProducts[] Found =
    [
        new("마우스", [new Product("무선 마우스", 21990, "가게", "https://a.example/1", "https://a.example/1.jpg", "마우스", "무선마우스", "1"),
            new Product("버티컬 마우스", null, "Unknown", "https://a.example/2", "", "마우스", "버티컬마우스", "2")]),
        new("화분", []),
    ];

    [Fact]
    public void Grouped_has_every_keyword_and_prices_as_text() => Assert.Equal(
        """[{"keyword":"마우스","details":[{"title":"무선 마우스","price":"21990","mall":"가게","link":"https://a.example/1","image":"https://a.example/1.jpg","main_category":"마우스","sub_category":"무선마우스"},"""
        + """{"title":"버티컬 마우스","price":"","mall":"Unknown","link":"https://a.example/2","image":"","main_category":"마우스","sub_category":"버티컬마우스"}]},{"keyword":"화분","details":[]}]""",
        JsonSerializer.Serialize(ProductFormats.Grouped(Found), TandemJson.Options));

    [Fact]
    public void Flat_gives_all_products_of_a_keyword_its_centre_and_writes_what_is_not_known() => Assert.Equal(
        """[{"name":"무선 마우스","price":21990,"purchase_place":"가게","purchase_url":"https://a.example/1","image_path":"https://a.example/1.jpg","main_category":"마우스","sub_category":"무선마우스","center_x":10,"center_y":20,"product_code":"1"},"""
        + """{"name":"버티컬 마우스","price":null,"purchase_place":"Unknown","purchase_url":"https://a.example/2","image_path":"","main_category":"마우스","sub_category":"버티컬마우스","center_x":10,"center_y":20,"product_code":"2"}]""",
        JsonSerializer.Serialize(ProductFormats.Flat(Found, new Dictionary<string, Point> { ["마우스"] = new(10, 20) }), TandemJson.Options));

    [Fact]
    public void Flat_without_a_centre_says_null() => Assert.Contains(
        "\"center_x\":null,\"center_y\":null", JsonSerializer.Serialize(ProductFormats.Flat(Found, new Dictionary<string, Point>()), TandemJson.Options), StringComparison.Ordinal);
}
