using System.Net;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults;

/// <summary>Typed clients of other apps.</summary>
public static class InvokeClients
{
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

/// <summary>
/// Repeats calls for 30 s while the own sidecar refuses connections or says that it could not reach the callee (ERR_DIRECT_INVOKE): both
/// restart within seconds. A callee's own answer of any kind is passed on as it is. A request may reach the callee twice, so what is
/// called this way must be idempotent, as everything between our apps is.
/// </summary>
public sealed class SidecarRetryHandler(TimeProvider time) : DelegatingHandler
{
    /// <summary>How long a call is repeated.</summary>
    public static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is not null)
        {
            await request.Content.LoadIntoBufferAsync(cancellationToken);
        }

        var started = time.GetTimestamp();
        for (var delay = FirstDelay; ; delay = delay * 2 > MaxDelay ? MaxDelay : delay * 2)
        {
            var mayRepeat = time.GetElapsedTime(started) < RetryTime;
            try
            {
                var response = await base.SendAsync(request, cancellationToken);
                if (!mayRepeat || !await IsSidecarsAsync(response, cancellationToken))
                {
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException exception) when (mayRepeat && exception.HttpRequestError == HttpRequestError.ConnectionError)
            {
                // The sidecar is not there; nobody has seen the request.
            }

            await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);
        }
    }

    /// <summary>Whether the answer is the sidecar's own error and not the callee's, which speaks problem+json.</summary>
    private static async Task<bool> IsSidecarsAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.InternalServerError || response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return false;
        }

        await response.Content.LoadIntoBufferAsync(cancellationToken);
        return (await response.Content.ReadAsStringAsync(cancellationToken)).Contains("\"ERR_DIRECT_INVOKE\"", StringComparison.Ordinal);
    }
}
