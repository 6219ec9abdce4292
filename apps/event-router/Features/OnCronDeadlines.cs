using Contracts;
using Dapr;
using Dapr.Client;
using EventRouter.Logs;
using ServiceDefaults;
using Microsoft.Extensions.Options;

namespace EventRouter.Features;

/// <summary>
/// Cron binding <c>cron-deadlines</c>: fires on every replica. Each one refreshes its count of open jobs; the one that gets
/// the lock sweeps, and so does everybody while locks cannot be had: they only save work, two sweeps at a time do no harm.
/// </summary>
internal static partial class OnCronDeadlines
{
    private const string Resource = "deadline-sweep";

    private static readonly string Instance = Guid.NewGuid().ToString("N");

    public static void MapOnCronDeadlines(this IEndpointRouteBuilder routes) => routes.MapPost("/cron-deadlines", HandleAsync).RequireSidecar();

    private static async Task<IResult> HandleAsync(
        OpenJobs openJobs, DeadlineSweep sweep, DaprClient dapr, IOptions<EventRouterOptions> options, ILogger<DeadlineSweep> logger,
        CancellationToken cancellationToken)
    {
        var listed = await openJobs.ReadAllAsync(cancellationToken);
        if (listed.Count == 0)
        {
            return Results.Ok();
        }

        try
        {
            var taken = await dapr.Lock(Components.Lock, Resource, Instance, options.Value.SweepLockSeconds, cancellationToken);
            if (!taken.Success)
            {
                return Results.Ok();
            }
        }
        catch (DaprException exception)
        {
            LogNoLock(logger, exception.Message);
            await sweep.RunAsync(listed, cancellationToken);
            return Results.Ok();
        }

        try
        {
            await sweep.RunAsync(listed, cancellationToken);
        }
        finally
        {
            await dapr.Unlock(Components.Lock, Resource, Instance, CancellationToken.None);
        }

        return Results.Ok();
    }

    [LoggerMessage(1130, LogLevel.Warning, "The lock of the deadline sweep cannot be used ({Reason}); sweeping without it")]
    private static partial void LogNoLock(ILogger logger, string reason);
}
