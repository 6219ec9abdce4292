using Contracts;
using Contracts.Identity;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.Identity;

/// <summary>Registration.</summary>
public static class RevocationServices
{
    /// <summary>
    /// Adds what keeps <see cref="RevokedTokens"/> true; needs <see cref="MapRevocations"/>, components <c>broadcast</c> and <c>revocations</c>. The
    /// app is ready when the stored ones are read.
    /// </summary>
    public static IServiceCollection AddRevocations(this IServiceCollection services)
    {
        services.AddSingleton<RevocationMetrics>();
        services.AddSingleton<RevocationReader>();
        services.AddSingleton<RevocationFeed>();
        services.AddHostedService(provider => provider.GetRequiredService<RevocationFeed>());
        services.AddHealthChecks().AddCheck<RevocationFeed>("revocations", tags: ["ready"]);
        return services;
    }

    /// <summary>
    /// Subscribes every replica to <c>token-revoked</c>. Without dead letters and always with success: a hint that cannot be used now is of no
    /// use later.
    /// </summary>
    public static void MapRevocations(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/token-revoked", (TokenRevoked message, RevocationFeed feed) =>
        {
            feed.Hear(message);
            return TypedResults.Ok();
        }).WithTopic(Components.Broadcast, IdentityTopics.TokenRevoked);
}
