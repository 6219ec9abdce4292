namespace Desk.Products;

/// <summary>A product that can be bought.</summary>
/// <param name="Name">Title as plain text.</param>
/// <param name="Price">Lowest price in won; null when it is not known.</param>
/// <param name="PurchasePlace">Who sells it.</param>
/// <param name="PurchaseUrl">Where.</param>
/// <param name="ImagePath">Address of its picture; empty when there is none.</param>
/// <param name="MainCategory">See <see cref="ProductRules.CategoryOf"/>.</param>
/// <param name="SubCategory">See <see cref="ProductRules.CategoryOf"/>.</param>
/// <param name="ProductCode">Tells products apart, see <see cref="ProductRules.CodeOf"/>.</param>
public sealed record Product(
    string Name, int? Price, string PurchasePlace, string PurchaseUrl, string ImagePath, string MainCategory, string SubCategory, string ProductCode);

/// <summary>What was found for a keyword; none is an answer, too.</summary>
public sealed record KeywordProducts(string Keyword, IReadOnlyList<Product> Products);
