using Desk.Products.Naver;

namespace Desk.Products;

/// <summary>Registration of products.</summary>
public static class ProductServices
{
    /// <summary>Adds <see cref="ProductFinder"/> and what it needs, with options from section <see cref="ProductOptions.Section"/>.</summary>
    public static IServiceCollection AddProducts(this IServiceCollection services)
    {
        services.AddOptions<ProductOptions>().BindConfiguration(ProductOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ProductMetrics>();
        services.AddSingleton<IProductCatalogue, SampleCatalogue>();
        services.AddSingleton<ProductCatalogues>();
        services.AddSingleton<ProductFinder>();
        services.AddNaver();
        return services;
    }
}
