using System.Net;
using System.Net.Http.Json;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults;

/// <summary>Typed clients of other apps.</summary>
public static class InvokeClients
{
    /// <summary>What another app answered; null when that is 404. Any other failure is an <see cref="HttpRequestException"/>.</summary>
    public static async Task<T?> ReadFoundAsync<T>(this HttpResponseMessage response, CancellationToken cancellationToken) where T : class =>
        response.StatusCode == HttpStatusCode.NotFound
            ? null : await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<T>(TandemJson.Options, cancellationToken);

    /// <summary>
    /// Adds a typed client whose relative addresses go to the app by service invocation. While the own sidecar is away its calls are
    /// repeated, see <see cref="SidecarRetryHandler"/>.
    /// </summary>
    public static IServiceCollection AddDaprInvokeClient<TClient>(this IServiceCollection services, string appId) where TClient : class
    {
        services.AddTransient<SidecarRetryHandler>();
        services.AddHttpClient<TClient>((provider, http) =>
            {
                http.BaseAddress = new Uri($"http://{appId}");
                http.Timeout = TimeSpan.FromSeconds(100);
                if (provider.GetRequiredService<IConfiguration>()["DAPR_API_TOKEN"] is { Length: > 0 } token)
                {
                    http.DefaultRequestHeaders.Add("dapr-api-token", token);
                }
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
                ConnectTimeout = TimeSpan.FromSeconds(5),
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .AddHttpMessageHandler<SidecarRetryHandler>()
            .AddHttpMessageHandler(provider =>
            {
                var configuration = provider.GetRequiredService<IConfiguration>();
                return new InvocationHandler
                {
                    DefaultAppId = appId,
                    DaprEndpoint = configuration["DAPR_HTTP_ENDPOINT"] is { Length: > 0 } endpoint ? endpoint : $"http://127.0.0.1:{configuration["DAPR_HTTP_PORT"] ?? "3500"}",
                };
            });
        return services;
    }
}
