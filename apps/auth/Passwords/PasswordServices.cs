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
        return services;
    }
}
