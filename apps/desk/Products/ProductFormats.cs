using System.Drawing;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Desk.Products;

/// <summary>Products by keyword, as the immediate answer has them.</summary>
/// <param name="Keyword">What was searched for.</param>
/// <param name="Details">What was found.</param>
public sealed record GroupedProducts(string Keyword, IReadOnlyList<GroupedProduct> Details);

/// <summary>One of them.</summary>
/// <param name="Title">Its title, plain text.</param>
/// <param name="Price">Lowest price in won as digits; empty when it is not known.</param>
/// <param name="Mall">Who sells it.</param>
/// <param name="Link">Where.</param>
/// <param name="Image">Address of its picture; empty when there is none.</param>
/// <param name="MainCategory">Main category.</param>
/// <param name="SubCategory">Category within it.</param>
public sealed record GroupedProduct(string Title, string Price, string Mall, string Link, string Image, string MainCategory, string SubCategory);

/// <summary>A product as the callback has it. What is not known is null and not left out: the original receivers read every member.</summary>
/// <param name="Name">Its title, plain text.</param>
/// <param name="Price">Lowest price in won.</param>
/// <param name="PurchasePlace">Who sells it.</param>
/// <param name="PurchaseUrl">Where.</param>
/// <param name="ImagePath">Address of its picture; empty when there is none.</param>
/// <param name="MainCategory">Main category.</param>
/// <param name="SubCategory">Category within it.</param>
/// <param name="CenterX">Where such a thing stands in the made picture, pixels from the left.</param>
/// <param name="CenterY">Pixels from the top.</param>
/// <param name="ProductCode">Tells products apart.</param>
public sealed record FlatProduct(
    string Name,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Price,
    string PurchasePlace, string PurchaseUrl, string ImagePath, string MainCategory, string SubCategory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? CenterX,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? CenterY,
    string ProductCode);

/// <summary>The two shapes in which products are told.</summary>
public static class ProductFormats
{
    /// <summary>By keyword, also those for which nothing was found.</summary>
    public static IReadOnlyList<GroupedProducts> Grouped(IReadOnlyList<KeywordProducts> found) =>
        [.. found.Select(group => new GroupedProducts(group.Keyword, [.. group.Products.Select(Detail)]))];

    /// <summary>One list. Every product has one centre, that of its keyword: three mice are three proposals for the mouse on the desk.</summary>
    /// <param name="found">What was found.</param>
    /// <param name="centres">Where things stand in the made picture, by keyword; what is not there has no centre.</param>
    public static IReadOnlyList<FlatProduct> Flat(IReadOnlyList<KeywordProducts> found, IReadOnlyDictionary<string, Point> centres) =>
        [.. found.SelectMany(group => group.Products.Select(product => Flat(product, centres.TryGetValue(group.Keyword, out var centre) ? centre : null)))];

    private static FlatProduct Flat(Product product, Point? centre) => new(
        product.Name, product.Price, product.PurchasePlace, product.PurchaseUrl, product.ImagePath, product.MainCategory, product.SubCategory,
        centre?.X, centre?.Y, product.ProductCode);

    private static GroupedProduct Detail(Product product) => new(
        product.Name, product.Price?.ToString(CultureInfo.InvariantCulture) ?? "", product.PurchasePlace, product.PurchaseUrl, product.ImagePath,
        product.MainCategory, product.SubCategory);
}
