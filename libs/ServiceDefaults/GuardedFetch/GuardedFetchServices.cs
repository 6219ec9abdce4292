using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.GuardedFetch;

/// <summary>Registration of the guarded fetch.</summary>
public static class GuardedFetchServices
{
    /// <summary>Adds <see cref="GuardedFetchClient"/> with options from section <see cref="GuardedFetchOptions.Section"/>.</summary>
    public static IServiceCollection AddGuardedFetch(this IServiceCollection services) =>
        services.AddGuarded<GuardedFetchClient, GuardedFetchOptions>(GuardedFetchOptions.Section);

    /// <summary>Adds <see cref="GuardedPostClient"/> with options from section <see cref="GuardedPostOptions.Section"/>.</summary>
    public static IServiceCollection AddGuardedPost(this IServiceCollection services) =>
        services.AddGuarded<GuardedPostClient, GuardedPostOptions>(GuardedPostOptions.Section);

    private static IServiceCollection AddGuarded<TClient, TOptions>(this IServiceCollection services, string section)
        where TClient : class
        where TOptions : GuardedTargetOptions
    {
        services.AddOptions<TOptions>().BindConfiguration(section).ValidateDataAnnotations()
            .Validate<IHostEnvironment>(
                (options, environment) => options.LoopbackHosts.Count == 0 || environment.IsDevelopment(),
                $"{section}:{nameof(GuardedTargetOptions.LoopbackHosts)} is for Development only")
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IHostResolver, DnsHostResolver>();
        services.AddHttpClient<TClient>(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(GuardedConnections.CreateHandler)
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // They would write the address, which may hold what is secret to the user.
            .RemoveAllLoggers();
        return services;
    }
}
