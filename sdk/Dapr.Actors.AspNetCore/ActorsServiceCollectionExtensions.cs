using Dapr.Actors.AspNetCore;
using Dapr.Actors.Client;
using Dapr.Actors.Communication;
using Dapr.Actors.Runtime;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registration of actors.</summary>
public static class ActorsServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="ActorRuntime"/> and <see cref="IActorProxyFactory"/>; endpoint and token come from the options, else from
    /// configuration, else from the environment (dapr-sdk §3).
    /// </summary>
    public static void AddActors(
        this IServiceCollection? services, Action<ActorRuntimeOptions>? configure, ServiceLifetime lifetime = ServiceLifetime.Singleton)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddRouting();
        services.AddHealthChecks();
        services.AddLogging();
        services.AddOptions();
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<ActorActivatorFactory, ScopedActorActivator.Factory>();
        services.TryAdd(new ServiceDescriptor(typeof(IActorProxyFactory), provider => new ActorProxyFactory(ProxyOptions(provider)), lifetime));
        services.TryAdd(new ServiceDescriptor(
            typeof(ActorRuntime),
            provider => new ActorRuntime(
                provider.GetRequiredService<IOptions<ActorRuntimeOptions>>().Value,
                provider.GetRequiredService<ILoggerFactory>(),
                provider.GetRequiredService<ActorActivatorFactory>(),
                lifetime == ServiceLifetime.Singleton ? provider.GetRequiredService<IActorProxyFactory>() : new ActorProxyFactory(ProxyOptions(provider)),
                new ActorSidecar(ProxyOptions(provider), null)),
            ServiceLifetime.Singleton));
    }

    private static ActorProxyOptions ProxyOptions(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<ActorRuntimeOptions>>().Value;
        var configuration = services.GetService<IConfiguration>();
        return new ActorProxyOptions
        {
            HttpEndpoint = string.IsNullOrWhiteSpace(options.HttpEndpoint) ? DaprDefaults.HttpEndpoint(name => configuration?[name]) : options.HttpEndpoint,
            DaprApiToken = string.IsNullOrWhiteSpace(options.DaprApiToken) ? DaprDefaults.ApiToken(name => configuration?[name]) : options.DaprApiToken,
            JsonSerializerOptions = options.JsonSerializerOptions,
            UseJsonSerialization = options.UseJsonSerialization,
        };
    }
}
