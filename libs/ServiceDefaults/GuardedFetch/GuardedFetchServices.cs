using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.GuardedFetch;

/// <summary>Registration of the guarded fetch.</summary>
public static class GuardedFetchServices
{
    /// <summary>Adds <see cref="GuardedFetchClient"/> with options from section <see cref="GuardedFetchOptions.Section"/>.</summary>
    public static IServiceCollection AddGuardedFetch(this IServiceCollection services)
    {
        services.AddOptions<GuardedFetchOptions>().BindConfiguration(GuardedFetchOptions.Section).ValidateDataAnnotations()
            .Validate<IHostEnvironment>(
                (options, environment) => options.LoopbackHosts.Count == 0 || environment.IsDevelopment(),
                $"{GuardedFetchOptions.Section}:{nameof(GuardedFetchOptions.LoopbackHosts)} is for Development only")
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IHostResolver, DnsHostResolver>();
        services.AddHttpClient<GuardedFetchClient>(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(GuardedFetchClient.CreateHandler)
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // They would write the address, which may hold what is secret to the user.
            .RemoveAllLoggers();
        return services;
    }
}
