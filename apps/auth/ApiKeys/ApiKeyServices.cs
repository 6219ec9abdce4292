using Auth.Sessions;

namespace Auth.ApiKeys;

/// <summary>Registration.</summary>
internal static class ApiKeyServices
{
    public static IServiceCollection AddApiKeys(this IServiceCollection services)
    {
        services.AddSingleton<ApiKeyStore>();
        services.AddSingleton<ApiKeyTokens>();
        services.AddSingleton<IUserData, ApiKeyData>();
        return services;
    }
}

/// <summary>Ends the keys of somebody whose account was deleted.</summary>
internal sealed class ApiKeyData(ApiKeyStore keys) : IUserData
{
    public Task EraseAsync(string userId, CancellationToken cancellationToken) => keys.EraseAsync(userId, cancellationToken);
}
