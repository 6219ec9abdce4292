using Microsoft.Extensions.Options;

namespace Desk.Products.Naver;

/// <summary>Registration of the search at Naver.</summary>
internal static class NaverServices
{
    /// <summary>Longest life of a connection, so that a change of Naver's addresses is noticed.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    public static void AddNaver(this IServiceCollection services)
    {
        services.AddOptions<NaverOptions>().BindConfiguration(NaverOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<NaverCredentials>();
        services.AddSingleton<DailyCalls>();
        services.AddSingleton<NaverPolicy>();
        services.AddSingleton<ProductCache>();
        services.AddHttpClient<NaverShoppingClient>((provider, http) =>
            {
                var options = provider.GetRequiredService<IOptions<NaverOptions>>().Value;
                http.BaseAddress = new Uri($"{options.Endpoint.TrimEnd('/')}/");
                // The client's own clock says when it is late.
                http.Timeout = Timeout.InfiniteTimeSpan;
                http.MaxResponseContentBufferSize = options.MaxResponseBytes;
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                // The credentials go where the configuration says and nowhere else.
                AllowAutoRedirect = false,
                UseCookies = false,
                // Strangers are not told our traces.
                ActivityHeadersPropagator = null,
                PooledConnectionLifetime = ConnectionLifetime,
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // They would write credentials and queries.
            .RemoveAllLoggers();
        services.AddSingleton<IProductCatalogue>(provider => provider.GetRequiredService<NaverShoppingClient>());
    }
}
