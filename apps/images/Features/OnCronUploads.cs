using Images.Storage;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// Sweeps abandoned uploads when cron binding <c>cron-uploads</c> fires, which it does on every replica; what lies in the folder also at start. Needs no
/// lock: deleting twice does no harm.
/// </summary>
internal static partial class OnCronUploads
{
    public static void MapOnCronUploads(this WebApplication app)
    {
        app.MapPost("/cron-uploads", HandleAsync).RequireSidecar();
        app.Lifetime.ApplicationStarted.Register(() =>
            Log(app.Services.GetRequiredService<IPictureStorage>().Sweep(), app.Services.GetRequiredService<ILogger<ImagesService>>()));
    }

    private static async Task<IResult> HandleAsync(UploadSweeper sweeper, ILogger<ImagesService> logger, CancellationToken cancellationToken)
    {
        Log(await sweeper.SweepAsync(cancellationToken), logger);
        return TypedResults.Ok();
    }

    private static void Log(int swept, ILogger logger)
    {
        if (swept > 0)
        {
            LogSwept(logger, swept);
        }
    }

    [LoggerMessage(1701, LogLevel.Information, "{Count} abandoned uploads and files deleted")]
    private static partial void LogSwept(ILogger logger, int count);
}
