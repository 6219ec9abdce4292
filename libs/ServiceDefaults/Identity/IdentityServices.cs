using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ServiceDefaults.Identity;

/// <summary>Registration.</summary>
public static class IdentityServices
{
    /// <summary>Adds <see cref="RequestTokens"/> and what it needs. Needs <see cref="RevocationServices.MapRevocations"/>. The app is ready when the keys are loaded from auth and the revocations are read.</summary>
    public static IServiceCollection AddTokenVerification(this IServiceCollection services)
    {
        services.AddTokens();
        services.AddDaprInvokeClient<AuthKeysClient>(Apps.Auth);
        services.AddHostedService<KeyLoader>();
        services.AddHealthChecks().AddCheck<KeysLoaded>("identity keys", tags: ["ready"]);
        services.AddRevocations();
        return services;
    }

    /// <summary>Adds the checks without the source of keys: auth has its own.</summary>
    public static IServiceCollection AddTokens(this IServiceCollection services)
    {
        services.AddOptions<IdentityOptions>().BindConfiguration(IdentityOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RevocationOptions>().BindConfiguration(RevocationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<VerificationKeys>();
        services.TryAddSingleton<TokenVerifier>();
        services.TryAddSingleton<VerifiedTokens>();
        services.TryAddSingleton<RevokedTokens>();
        services.TryAddSingleton<IdentityCookies>();
        services.TryAddSingleton<RequestTokens>();
        return services;
    }
}
