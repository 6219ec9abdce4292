using Auth.Sessions;

namespace Auth.UserRoles;

/// <summary>Registration.</summary>
internal static class RoleServices
{
    public static IServiceCollection AddRoles(this IServiceCollection services)
    {
        services.AddSingleton<RoleStore>();
        services.AddSingleton<IUserData, RoleData>();
        return services;
    }
}

/// <summary>Forgets the roles of somebody whose account was deleted.</summary>
internal sealed class RoleData(RoleStore roles) : IUserData
{
    public Task EraseAsync(string userId, CancellationToken cancellationToken) => roles.EraseAsync(userId, cancellationToken);
}
