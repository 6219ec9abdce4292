using Auth.Sessions;
using Microsoft.Extensions.Options;

namespace Auth.Passwords;

/// <summary>Registration.</summary>
internal static class PasswordServices
{
    public static IServiceCollection AddPasswords(this IServiceCollection services)
    {
        services.AddOptions<PasswordOptions>().BindConfiguration(PasswordOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<PasswordRules>();
        services.AddSingleton<CredentialStore>();
        services.AddSingleton<LoginTries>();
        services.AddSingleton<HashingLimiter>();
        services.AddSingleton<PasswordCheck>();
        services.AddTransient<PasswordSignIn>();
        services.AddSingleton<ISignInMethods, PasswordMethod>();
        services.AddSingleton<IUserData, PasswordData>();
        return services;
    }
}

/// <summary>Offers it.</summary>
internal sealed class PasswordMethod(IOptions<PasswordOptions> options, IHostEnvironment environment) : ISignInMethods
{
    public IEnumerable<SignInMethod> Available =>
        options.Value.IsOn(environment) ? [new SignInMethod(PasswordSignIn.Provider, SignInKinds.Password)] : [];
}

/// <summary>Forgets the credential of somebody whose account was deleted.</summary>
internal sealed class PasswordData(CredentialStore credentials) : IUserData
{
    public Task EraseAsync(string userId, CancellationToken cancellationToken) => credentials.EraseAsync(userId, cancellationToken);
}
