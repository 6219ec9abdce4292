using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registration of the client.</summary>
public static class DaprServiceCollectionExtensions
{
    /// <summary>Adds <see cref="DaprClient"/>; endpoint and token come from configuration, else from the environment.</summary>
    public static void AddDaprClient(
        this IServiceCollection services, Action<DaprClientBuilder>? configure = null, ServiceLifetime lifetime = ServiceLifetime.Singleton) =>
        services.AddDaprClient((_, builder) => configure?.Invoke(builder), lifetime);

    /// <summary>Adds <see cref="DaprClient"/>, configured with services.</summary>
    public static void AddDaprClient(
        this IServiceCollection services, Action<IServiceProvider, DaprClientBuilder> configure, ServiceLifetime lifetime = ServiceLifetime.Singleton) =>
        services.TryAdd(new ServiceDescriptor(
            typeof(DaprClient),
            provider =>
            {
                var builder = new DaprClientBuilder();
                if (provider.GetService<IConfiguration>() is { } configuration)
                {
                    if (configuration["DAPR_HTTP_ENDPOINT"] is { Length: > 0 } endpoint)
                    {
                        builder.UseHttpEndpoint(endpoint);
                    }
                    else if (configuration["DAPR_HTTP_PORT"] is { Length: > 0 } port)
                    {
                        builder.UseHttpEndpoint($"http://127.0.0.1:{port}");
                    }

                    if (configuration["DAPR_API_TOKEN"] is { } token)
                    {
                        builder.UseDaprApiToken(token);
                    }
                }

                configure(provider, builder);
                return builder.Build();
            },
            lifetime));
}
