using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>Registration.</summary>
public static class IdentityServices
{
    /// <summary>Adds <see cref="RequestTokens"/> and what it needs. The app is ready when the keys are loaded from auth.</summary>
    public static IServiceCollection AddTokenVerification(this IServiceCollection services)
    {
        services.AddTokens();
        services.AddDaprInvokeClient<AuthKeysClient>(Apps.Auth);
        services.AddHostedService<KeyLoader>();
        services.AddHealthChecks().AddCheck<KeysLoaded>("identity keys", tags: ["ready"]);
        return services;
    }

    /// <summary>Adds the checks without the source of keys: auth has its own.</summary>
    public static IServiceCollection AddTokens(this IServiceCollection services)
    {
        services.AddOptions<IdentityOptions>().BindConfiguration(IdentityOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RevocationOptions>().BindConfiguration(RevocationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<VerificationKeys>();
        services.TryAddSingleton<TokenVerifier>();
        services.TryAddSingleton<RevokedTokens>();
        services.TryAddSingleton<IdentityCookies>();
        services.TryAddSingleton<RequestTokens>();
        return services;
    }
}

/// <summary>Reads the keys from auth by service invocation.</summary>
internal sealed class AuthKeysClient(HttpClient http)
{
    public async Task<JsonWebKeySet> GetAsync(CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync<JsonWebKeySet>("/internal/keys", TandemJson.Options, cancellationToken)
        ?? throw new JsonException("auth answered no keys");
}

/// <summary>Loads the keys at start, then every <see cref="IdentityOptions.KeyRefresh"/>, and soon after a token named one that is not known.</summary>
internal sealed partial class KeyLoader(
    IServiceProvider services, VerificationKeys keys, IOptions<IdentityOptions> options, TimeProvider time, ILogger<KeyLoader> logger) : BackgroundService
{
    private readonly SemaphoreSlim _wanted = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Jwks is { Length: > 0 } given)
        {
            keys.Use(JsonSerializer.Deserialize<JsonWebKeySet>(given, TandemJson.Options) ?? throw new JsonException("Identity:Jwks holds no keys"));
            return;
        }

        keys.Unknown += _ => Want();
        while (true)
        {
            try
            {
                keys.Use(await services.GetRequiredService<AuthKeysClient>().GetAsync(stoppingToken));
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogMissing(logger, exception.Message);
            }

            var pause = keys.AreLoaded ? options.Value.KeyRefreshPause : TimeSpan.FromMilliseconds(500);
            await Task.Delay(pause, time, stoppingToken);
            if (keys.AreLoaded)
            {
                await _wanted.WaitAsync(options.Value.KeyRefresh, stoppingToken);
            }
        }
    }

    private void Want()
    {
        lock (_wanted)
        {
            if (_wanted.CurrentCount == 0)
            {
                _wanted.Release();
            }
        }
    }

    [LoggerMessage(902, LogLevel.Warning, "The keys of tokens could not be read from auth: {Reason}")]
    private static partial void LogMissing(ILogger logger, string reason);
}

/// <summary>Not ready before the first keys are there.</summary>
internal sealed class KeysLoaded(VerificationKeys keys) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(keys.AreLoaded ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the keys of tokens are not loaded"));
}
