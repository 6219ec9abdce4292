using Dapr;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Characters.Catalogue;

/// <summary>
/// The catalogue in this process. Loaded before the app is ready, again when another replica says that it has changed, and every
/// <see cref="CharactersOptions.CatalogueTtl"/> in case nobody could say so. Asked before that it loads by itself.
/// </summary>
internal sealed partial class CatalogueCache(
    CatalogueStore store, IOptions<CharactersOptions> options, TimeProvider time, ILogger<CatalogueCache> logger) : BackgroundService, IHealthCheck
{
    private readonly SemaphoreSlim _loading = new(1, 1);
    private CharacterCatalogue? _current;

    /// <summary>The latest version that this process knows.</summary>
    public async ValueTask<CharacterCatalogue> GetAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _current) ?? await RefreshAsync(null, cancellationToken);

    /// <summary>Reads the catalogue again unless it has <paramref name="version"/> already.</summary>
    public async Task<CharacterCatalogue> RefreshAsync(long? version, CancellationToken cancellationToken)
    {
        if (_current is { } known && known.Version == version)
        {
            return known;
        }

        // One at a time, so that what was read first is not stored last.
        await _loading.WaitAsync(cancellationToken);
        try
        {
            var document = await store.ReadAsync(cancellationToken);
            if (_current?.Version != document.Version)
            {
                Volatile.Write(ref _current, CharacterCatalogue.Of(document));
                LogLoaded(logger, document.Version, document.Entries.Count + 1);
            }

            return _current!;
        }
        finally
        {
            _loading.Release();
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_current is not null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the catalogue is not loaded"));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await RefreshAsync(null, stoppingToken);
            }
            catch (Exception exception) when (exception is DaprException or HttpRequestException && !stoppingToken.IsCancellationRequested)
            {
                LogNotLoaded(logger, exception.Message);
            }

            await Task.Delay(_current is null ? TimeSpan.FromMilliseconds(200) : options.Value.CatalogueTtl, time, stoppingToken);
        }
    }

    [LoggerMessage(1510, LogLevel.Information, "Catalogue version {Version} with {Count} characters is loaded")]
    private static partial void LogLoaded(ILogger logger, long version, int count);

    [LoggerMessage(1511, LogLevel.Warning, "The catalogue could not be read ({Reason}); the version before is used until it can")]
    private static partial void LogNotLoaded(ILogger logger, string reason);
}
