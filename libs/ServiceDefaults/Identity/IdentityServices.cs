using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults.Identity;

/// <summary>Registration.</summary>
public static partial class IdentityServices
{
    /// <summary>Adds <see cref="IdentityTokens"/>; the key is read from component <c>secrets</c> before the app takes requests.</summary>
    public static IServiceCollection AddIdentityTokens(this IServiceCollection services)
    {
        services.TryAddSingleton<IdentityTokens>();
        services.AddHostedService<KeyLoader>();
        return services;
    }

    private sealed partial class KeyLoader(DaprClient dapr, IdentityTokens tokens, IConfiguration configuration, ILogger<KeyLoader> logger) : IHostedService
    {
        private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

        /// <summary>Waits for sidecar and secret: without the key the app could check nobody, so it does not start to listen.</summary>
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            // Given directly where there is no sidecar: in tests of one app.
            if (configuration[IdentityTokens.KeySetting] is { Length: > 0 } given)
            {
                tokens.UseKey(given);
                return;
            }

            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    var secret = await dapr.GetSecretAsync(Components.Secrets, IdentityTokens.KeyName, cancellationToken: cancellationToken);
                    tokens.UseKey(secret[IdentityTokens.KeyName]);
                    return;
                }
                catch (Exception exception) when (exception is DaprException or KeyNotFoundException && !cancellationToken.IsCancellationRequested)
                {
                    LogMissing(logger, attempt, exception.Message);
                    await Task.Delay(RetryDelay, cancellationToken);
                }
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        [LoggerMessage(902, LogLevel.Warning, "The signing key is not there yet (attempt {Attempt}): {Reason}")]
        private static partial void LogMissing(ILogger logger, int attempt, string reason);
    }
}
