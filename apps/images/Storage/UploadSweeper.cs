using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>
/// Looks after uploads and writes that were begun, once they can no longer be under way: a ticket's lifetime and <see cref="ImagesOptions.AbandonedAfter"/>
/// later. What was never finished is deleted, whatever store it lies in, and its part of the quota is given back. <c>swept</c> is the last minute that was
/// looked at. Works on any number of replicas at a time; broken off it begins again with what is left.
/// </summary>
internal sealed class UploadSweeper(
    DaprClient dapr, BegunUploads begun, ImageRecords records, GeneratedImages generated, IPictureStorage storage, PictureFiles files, IOptions<ImagesOptions> options,
    TimeProvider time)
{
    /// <summary>Minutes per sweep, at most; the next one goes on.</summary>
    private const int MinutesPerSweep = 24 * 60;

    private const string Cursor = "swept";

    /// <summary>Deletes what was abandoned. Returns how many uploads, writes and files.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var swept = storage.Sweep();
        var last = BegunUploads.MinuteOf(time.GetUtcNow() - options.Value.TicketLifetime - options.Value.AbandonedAfter) - 1;
        // At the first sweep of all nothing is older than its limit.
        var next = await dapr.GetStateAsync<SweptUntil?>(Components.StateStore, Cursor, cancellationToken: cancellationToken) is { } cursor ? cursor.Minute + 1 : last;
        for (var end = Math.Min(last, next + MinutesPerSweep); next <= end; next++)
        {
            foreach (var (document, uploads) in await begun.ReadAsync(next, cancellationToken))
            {
                swept += await SweepAsync(uploads, cancellationToken);
                await begun.DeleteAsync(document, cancellationToken);
            }
        }

        await dapr.SaveStateAsync(Components.StateStore, Cursor, new SweptUntil(next - 1), cancellationToken: cancellationToken);
        return swept;
    }

    private async Task<int> SweepAsync(IReadOnlyList<BegunUpload> uploads, CancellationToken cancellationToken)
    {
        var abandoned = 0;
        foreach (var (user, key) in uploads)
        {
            if (GeneratedImages.IdOf(key) is { } id ? await generated.SettleAsync(id, cancellationToken) : await SettleAsync(user, key, cancellationToken))
            {
                abandoned++;
            }
        }

        return abandoned;
    }

    /// <summary>Whether the upload was abandoned.</summary>
    private async Task<bool> SettleAsync(string user, string key, CancellationToken cancellationToken)
    {
        if (!await records.AbandonAsync(key, cancellationToken))
        {
            // Finished. A signed address may have brought its upload once more.
            await storage.DeleteUploadsAsync(key, cancellationToken);
            await records.CloseAsync(user, key, null, cancellationToken);
            return false;
        }

        await files.DeleteAsync(key, cancellationToken);
        await records.RefundAsync(user, key, cancellationToken);
        return true;
    }

    private sealed record SweptUntil(long Minute);
}
