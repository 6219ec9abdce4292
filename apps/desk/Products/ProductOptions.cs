using System.ComponentModel.DataAnnotations;

namespace Desk.Products;

/// <summary>Which products are proposed, and where they are found. How Naver is asked is <see cref="Naver.NaverOptions"/>.</summary>
public sealed class ProductOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = $"{DeskOptions.Section}:Products";

    /// <summary>Where products are found. Default <see cref="ProductSource.Auto"/>.</summary>
    public ProductSource Source { get; set; } = ProductSource.Auto;

    /// <summary>Products that are asked for per query. Default 10.</summary>
    [Range(1, 100)]
    public int Fetched { get; set; } = 10;

    /// <summary>Products that are kept per query. Default 3.</summary>
    [Range(1, 100)]
    public int Kept { get; set; } = 3;

    /// <summary>With fewer products than this for all keywords together each keyword is searched for a second time. Default 10; 0 never does.</summary>
    [Range(0, 1000)]
    public int Enough { get; set; } = 10;

    /// <summary>What the second query adds to the keyword. Default <c>소품</c>, small goods.</summary>
    [Required]
    public string Suffix { get; set; } = "소품";

    /// <summary>Keywords that are searched for; those beyond have no products. Default 10.</summary>
    [Range(1, 100)]
    public int MaxKeywords { get; set; } = 10;

    /// <summary>Longest time for all searches of a task; what is not there by then is left out. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);
}

/// <summary>Where products are found.</summary>
public enum ProductSource
{
    /// <summary>Naver where there are credentials; else the samples in Development and nowhere elsewhere.</summary>
    Auto,

    /// <summary>Naver Shopping.</summary>
    Naver,

    /// <summary>Forty invented products, so that a fresh machine has some.</summary>
    Samples,

    /// <summary>Nowhere: there are no products.</summary>
    None,
}
