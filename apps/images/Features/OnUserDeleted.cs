using Contracts;
using Contracts.Users;
using Images.Storage;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Erasure;

namespace Images.Features;

/// <summary>
/// Erases a person's pictures, finished or not, uploaded or generated: tickets, records and files, then reports it. Idempotent by user; broken off it begins again with what
/// is left. Uploads and callbacks that are under way clean up after themselves: they look for the ticket, or the mark in <c>images:{user}</c>, last.
/// </summary>
internal static partial class OnUserDeleted
{
    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Images);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, ImageRecords records, PictureFiles files, GeneratedImages generated, ErasureReports reports, IOptions<ErasureOptions> options,
        ILogger<ImagesService> logger, CancellationToken cancellationToken)
    {
        // 1. No new tickets. 2. What there is, page by page. 3. The mark alone stays. 4. The report.
        var user = message.UserId;
        var kept = options.Value.TombstoneKept;
        var images = await records.BeginErasureAsync(user, message.Ts, kept, cancellationToken);
        var erased = await EraseAsync(images.Keys, records, files, generated, cancellationToken);
        for (var page = 0; page < images.Pages; page++)
        {
            erased += await EraseAsync(await records.ReadPageAsync(user, page, cancellationToken), records, files, generated, cancellationToken);
            await records.DeletePageAsync(user, page, cancellationToken);
        }

        await records.EndErasureAsync(user, message.Ts, kept, cancellationToken);
        await reports.SendAsync(Apps.Images, message, cancellationToken);
        LogErased(logger, user, erased);
        return TypedResults.Ok();
    }

    private static async Task<int> EraseAsync(
        IReadOnlyList<string> keys, ImageRecords records, PictureFiles files, GeneratedImages generated, CancellationToken cancellationToken)
    {
        foreach (var key in keys)
        {
            if (GeneratedImages.IdOf(key) is { } id)
            {
                await generated.EraseAsync(id, cancellationToken);
                continue;
            }

            await records.DeleteAsync(key, cancellationToken);
            await files.DeleteAsync(key, cancellationToken);
        }

        return keys.Count;
    }

    [LoggerMessage(1702, LogLevel.Information, "The pictures of user {UserId} are erased, {Count} keys")]
    private static partial void LogErased(ILogger logger, string userId, int count);
}
