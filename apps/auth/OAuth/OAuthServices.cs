using Auth.Sessions;
using Microsoft.Extensions.Options;

namespace Auth.OAuth;

/// <summary>Registration.</summary>
internal static class OAuthServices
{
    public static IServiceCollection AddOAuth(this IServiceCollection services)
    {
        services.AddOptions<OAuthOptions>().BindConfiguration(OAuthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<OAuthAddresses>();
        services.AddSingleton<OAuthStates>();
        services.AddSingleton<OAuthClient>();
        services.AddTransient<OAuthLogin>();
        services.AddSingleton<ISignInMethods, OAuthMethods>();
        foreach (var provider in (string[])["google", "kakao", "naver"])
        {
            services.AddHttpClient(OAuthClient.NameOf(provider))
                .ConfigureHttpClient((all, http) =>
                {
                    var options = all.GetRequiredService<IOptions<OAuthOptions>>().Value;
                    http.Timeout = options.Timeout;
                    http.MaxResponseContentBufferSize = options.MaxResponseBytes;
                })
                .ConfigurePrimaryHttpMessageHandler(all => new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    // Strangers are not told our traces.
                    ActivityHeadersPropagator = null,
                    PooledConnectionLifetime = all.GetRequiredService<IOptions<OAuthOptions>>().Value.ConnectionLifetime,
                })
                .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        }

        return services;
    }
}

/// <summary>The providers with a client id, for a page to offer.</summary>
internal sealed class OAuthMethods(IOptions<OAuthOptions> options) : ISignInMethods
{
    public IEnumerable<SignInMethod> Available =>
        options.Value.Enabled().Keys.Order(StringComparer.Ordinal).Select(name => new SignInMethod(name, SignInKinds.Provider));
}
