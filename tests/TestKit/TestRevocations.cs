using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace TestKit;

/// <summary>For apps under test that have no sidecar with broadcast and revocations.</summary>
public static class TestRevocations
{
    /// <summary>Nothing is revoked, and nobody asks: without this requests get 503, because nothing is known.</summary>
    public static IServiceCollection WithoutRevocations(this IServiceCollection services)
    {
        services.Remove(services.Single(service =>
            service.ServiceType == typeof(IHostedService) && service.ImplementationFactory?.GetType().GenericTypeArguments[1].Name == "RevocationFeed"));
        return services.PostConfigure<HealthCheckServiceOptions>(checks =>
            checks.Registrations.Remove(checks.Registrations.Single(check => check.Name == "revocations")));
    }
}
