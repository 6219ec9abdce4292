using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;

namespace Auth.Keys;

/// <summary>Registration.</summary>
internal static class KeyServices
{
    /// <summary>Adds <see cref="KeyRing"/>. The app is ready when it can sign; settings that would sign with keys nobody knows stop the start.</summary>
    public static IServiceCollection AddKeyRing(this IServiceCollection services)
    {
        services.AddSingleton<KeyRing>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyRing>());
        services.AddHealthChecks().AddCheck<SigningKeysLoaded>("signing keys", tags: ["ready"]);
        services.AddOptions<AuthOptions>()
            .Validate<IOptions<IdentityOptions>>(
                (auth, identity) => auth.KeyOverlap >= identity.Value.KeyRefresh + auth.KeyReload,
                $"{AuthOptions.Section}:{nameof(AuthOptions.KeyOverlap)} must be at least {IdentityOptions.Section}:{nameof(IdentityOptions.KeyRefresh)} and "
                + $"{AuthOptions.Section}:{nameof(AuthOptions.KeyReload)} together: a key must be known to all before it signs")
            .Validate(
                auth => auth.KeyLifetime > auth.KeyOverlap,
                $"{AuthOptions.Section}:{nameof(AuthOptions.KeyLifetime)} must be longer than {AuthOptions.Section}:{nameof(AuthOptions.KeyOverlap)}");
        return services;
    }

    private sealed class SigningKeysLoaded(KeyRing keys) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(keys.IsLoaded ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"the signing keys are not there: {keys.Failure}"));
    }
}
