using System.Drawing;
using System.Globalization;
using Contracts.Desk;

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

/// <summary>The two shapes in which products are told.</summary>
public static class ProductFormats
{
    /// <summary>By keyword, also those for which nothing was found.</summary>
    public static IReadOnlyList<GroupedProducts> Grouped(IReadOnlyList<KeywordProducts> found) =>
        [.. found.Select(group => new GroupedProducts(group.Keyword, [.. group.Products.Select(Detail)]))];

    /// <summary>One list. Every product has one centre, that of its keyword: three mice are three proposals for the mouse on the desk.</summary>
    /// <param name="found">What was found.</param>
    /// <param name="centres">Where things stand in the made picture, by keyword; what is not there has no centre.</param>
    public static IReadOnlyList<DeskProduct> Flat(IReadOnlyList<KeywordProducts> found, IReadOnlyDictionary<string, Point> centres) =>
        [.. found.SelectMany(group => group.Products.Select(product => Flat(product, centres.TryGetValue(group.Keyword, out var centre) ? centre : null)))];

    private static DeskProduct Flat(Product product, Point? centre) => new(
        product.Name, product.Price, product.PurchasePlace, product.PurchaseUrl, product.ImagePath, product.MainCategory, product.SubCategory,
        centre?.X, centre?.Y, product.ProductCode);

    private static GroupedProduct Detail(Product product) => new(
        product.Name, product.Price?.ToString(CultureInfo.InvariantCulture) ?? "", product.PurchasePlace, product.PurchaseUrl, product.ImagePath,
        product.MainCategory, product.SubCategory);
}
