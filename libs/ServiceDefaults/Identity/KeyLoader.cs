using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>Reads the keys from auth by service invocation.</summary>
internal sealed class AuthKeysClient(HttpClient http)
{
    public async Task<JsonWebKeySet> GetAsync(CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync<JsonWebKeySet>("/internal/keys", TandemJson.Options, cancellationToken)
        ?? throw new JsonException("auth answered no keys");
}

/// <summary>
/// Loads the keys at start, then every <see cref="IdentityOptions.KeyRefresh"/>, and soon after a token named one that is not known, but
/// never more often than every <see cref="IdentityOptions.KeyRefreshPause"/>: anybody can make up names. Without auth the known ones stay.
/// </summary>
internal sealed partial class KeyLoader(
    IServiceProvider services, VerificationKeys keys, IOptions<IdentityOptions> options, TimeProvider time, ILogger<KeyLoader> logger) : BackgroundService
{
    /// <summary>Between tries before the first keys are there: nobody can sign in without them.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    /// <summary>Keys that were given need no waiting: they are there before the server takes a request.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Jwks is not { Length: > 0 } given)
        {
            return base.StartAsync(cancellationToken);
        }

        keys.Use(JsonSerializer.Deserialize<JsonWebKeySet>(given, TandemJson.Options) ?? throw new JsonException("Identity:Jwks holds no keys"));
        return Task.CompletedTask;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await LoadAsync(new KeyReadings(keys, time), stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The app stops.
        }
    }

    private async Task LoadAsync(KeyReadings readings, CancellationToken stoppingToken)
    {
        while (true)
        {
            readings.Begin();
            var isRead = await TryReadAsync(stoppingToken);
            var pause = keys.AreLoaded ? options.Value.KeyRefreshPause : FirstPause;
            await readings.WaitAsync(pause, isRead ? options.Value.KeyRefresh : pause, stoppingToken);
        }
    }

    private async Task<bool> TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            keys.Use(await services.GetRequiredService<AuthKeysClient>().GetAsync(cancellationToken));
            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogMissing(logger, exception.Message);
            return false;
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
