using Images.Storage;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// Sweeps abandoned uploads: at start, and when cron binding <c>cron-uploads</c> fires, which it does on every replica. Needs no lock:
/// deleting twice does no harm.
/// </summary>
internal static partial class OnCronUploads
{
    public static void MapOnCronUploads(this WebApplication app)
    {
        app.MapPost("/cron-uploads", Handle).RequireSidecar();
        app.Lifetime.ApplicationStarted.Register(() =>
            Handle(app.Services.GetRequiredService<ObjectFiles>(), app.Services.GetRequiredService<ILogger<ImagesService>>()));
    }

    private static IResult Handle(ObjectFiles files, ILogger<ImagesService> logger)
    {
        if (files.Sweep() is > 0 and var deleted)
        {
            LogSwept(logger, deleted);
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(1701, LogLevel.Information, "{Count} files of abandoned uploads deleted")]
    private static partial void LogSwept(ILogger logger, int count);
}
