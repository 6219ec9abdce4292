using Microsoft.Extensions.Options;
using ServiceDefaults;
using Users.Erasures;

namespace Users.Features;

/// <summary>
/// Cron binding <c>cron-erasures</c>: goes on with erasures that are pending, so that also an app that was away for days erases in the end. Fires
/// on every replica; who takes the turn of an erasure, by compare-and-set, announces it.
/// </summary>
internal static partial class OnCronErasures
{
    public static void MapOnCronErasures(this IEndpointRouteBuilder routes) => routes.MapPost("/cron-erasures", HandleAsync).RequireSidecar();

    private static async Task<IResult> HandleAsync(
        ErasureStore erasures, ErasureService service, ErasureMetrics metrics, TimeProvider time, IOptions<UsersOptions> options,
        ILogger<ErasureService> logger, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var pending = await erasures.ListPendingAsync(cancellationToken);
        metrics.Seen(pending.Count, pending.Count(erasure => now - erasure.RequestedAt > options.Value.ErasureOverdue));
        foreach (var listed in pending.Where(erasure => erasure.NextAt <= now))
        {
            if (await erasures.TryTakeTurnAsync(listed.UserId, cancellationToken) is not { } erasure)
            {
                continue;
            }

            var age = now - erasure.RequestedAt;
            if (age > options.Value.ErasureOverdue)
            {
                LogOverdue(logger, erasure.UserId, age, string.Join(", ", erasure.Pending));
            }

            await service.PursueAsync(erasure, cancellationToken);
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(1604, LogLevel.Error, "The data of user {UserId} is not erased {Age} after the account was deleted; these apps have not reported: {Apps}")]
    private static partial void LogOverdue(ILogger logger, string userId, TimeSpan age, string apps);
}
