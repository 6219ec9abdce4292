using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;

namespace Auth.Revocations;

internal static class RevocationStoreServices
{
    /// <summary>Adds <see cref="RevocationStore"/>, the heartbeat, and what the other replicas revoke.</summary>
    public static void AddRevocationStore(this IServiceCollection services)
    {
        services.AddOptions<AuthOptions>().Validate(
            (AuthOptions auth, IOptions<RevocationOptions> revocations) => auth.AccessLifetime <= revocations.Value.Horizon,
            $"{AuthOptions.Section}:{nameof(AuthOptions.AccessLifetime)} must not be longer than {RevocationOptions.Section}:{nameof(RevocationOptions.Horizon)}: "
            + "a revocation would end before the tokens it concerns.");
        services.AddRevocations();
        services.AddSingleton<RevocationAnnouncer>();
        services.AddHostedService(provider => provider.GetRequiredService<RevocationAnnouncer>());
        services.AddSingleton<RevocationStore>();
    }
}
