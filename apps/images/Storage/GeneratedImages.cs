using Contracts;
using Contracts.Images;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>A write of a generated picture: where, and the SHA-256 of what.</summary>
public sealed record GeneratedWrite(string Key, string ETag);

/// <summary>A generated picture: the document <c>generated:{id}</c>.</summary>
/// <param name="Owner">For whom it was generated.</param>
/// <param name="Writes">The writes that were begun, each with a key of its own.</param>
/// <param name="Picture">The one that was complete first; null as long as there is none.</param>
public sealed record GeneratedImage(string Owner, IReadOnlyList<GeneratedWrite> Writes, ImageInfo? Picture = null);

/// <summary>
/// Pictures that other apps generated, written through component <c>objects</c>. Each write reserves a key in <c>generated:{id}</c> before it begins; the
/// first that is complete becomes the picture of the id, and every other is deleted.
/// </summary>
internal sealed class GeneratedImages(DaprClient dapr, ImageRecords records, BegunUploads begun, ObjectStore objects, IOptions<ImagesOptions> options)
{
    /// <summary>What <see cref="ImageRecords.ListAsync"/> lists for the owner: the id, since its keys may change until it is complete.</summary>
    public static string ListedAs(Guid id) => $"generated:{id:N}";

    /// <summary>The id of a listed entry; null when the entry is the key of an upload.</summary>
    public static Guid? IdOf(string listed) =>
        listed.Split(':') is ["generated", var id] && Guid.TryParseExact(id, "N", out var parsed) ? parsed : null;

    /// <summary>The picture of this id when it is complete.</summary>
    public async Task<GeneratedImage?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<GeneratedImage?>(Components.StateStore, Key(id), cancellationToken: cancellationToken);

    /// <summary>
    /// Stores a picture unless the id has one; the picture of the id is returned. Idempotent by the id: a repetition may bring other bytes and gets the first.
    /// </summary>
    /// <param name="id">Id of the picture, made by who generated it.</param>
    /// <param name="picture">What is known of it; its key is ignored.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="UploadException">The owner is erased, the id is somebody else's, or it was begun too often.</exception>
    /// <exception cref="StorageException">The store does not take it.</exception>
    public async Task<ImageInfo> StoreAsync(Guid id, ImageInfo picture, byte[] content, CancellationToken cancellationToken)
    {
        // 1. A key, known before there is anything under it. The same bytes have the same key.
        var fresh = ImageKey.CreateGenerated(picture.ContentType);
        var limit = options.Value.MaxUploadsPerTicket;
        var reserved = await dapr.UpdateStateAsync<GeneratedImage>(
            Components.StateStore, Key(id),
            stored => stored is null ? new GeneratedImage(picture.Owner, [new(fresh, picture.ETag)])
                : stored.Owner != picture.Owner || stored.Picture is not null || stored.Writes.Count >= limit || stored.Writes.Any(write => write.ETag == picture.ETag) ? stored
                : stored with { Writes = [.. stored.Writes, new(fresh, picture.ETag)] },
            cancellationToken: cancellationToken);
        if (reserved.Owner != picture.Owner)
        {
            throw new UploadException(409, "OWNER_MISMATCH", "the id belongs to a picture of another owner");
        }

        // 2. Listed for the owner, so that an erasure finds it; refused when the erasure has begun.
        if (!await records.ListAsync(picture.Owner, ListedAs(id), cancellationToken))
        {
            await EraseAsync(id, cancellationToken);
            throw Gone();
        }

        if (reserved.Picture is null)
        {
            if (reserved.Writes.FirstOrDefault(write => write.ETag == picture.ETag) is not { } mine)
            {
                throw new UploadException(429, "TOO_MANY_UPLOADS", $"an id takes at most {limit} different pictures that are never complete: take another id");
            }

            await begun.AddAsync(picture.Owner, ListedAs(id), cancellationToken);

            // 3. The bytes, then the choice: who is first.
            await objects.WriteAsync(mine.Key, picture.ContentType, content, cancellationToken);
            reserved = await CompleteAsync(id, picture with { Key = mine.Key }, cancellationToken);
        }

        // 4. What lost, or was left by a crash, goes; the record makes the picture known.
        var chosen = reserved.Picture!;
        await SettleAsync(reserved, chosen, cancellationToken);
        if (await records.IsErasedAsync(chosen.Owner, cancellationToken))
        {
            // The erasure may have passed this id before the picture was there.
            await EraseAsync(id, cancellationToken);
            await EraseAsync(chosen.Key, cancellationToken);
            throw Gone();
        }

        return chosen;
    }

    /// <summary>Looks after an id whose writes are over: deletes it when none was complete (true), else what the complete one has left behind.</summary>
    public async Task<bool> SettleAsync(Guid id, CancellationToken cancellationToken)
    {
        switch (await FindAsync(id, cancellationToken))
        {
            case null:
                return false;
            case { Picture: { } chosen } image:
                await SettleAsync(image, chosen, cancellationToken);
                return false;
            default:
                await EraseAsync(id, cancellationToken);
                return true;
        }
    }

    /// <summary>Deletes a picture, complete or not, and all that is known of it. May be repeated.</summary>
    public async Task EraseAsync(Guid id, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } image)
        {
            return;
        }

        foreach (var write in image.Writes)
        {
            await EraseAsync(write.Key, cancellationToken);
        }

        await dapr.DeleteStateAsync(Components.StateStore, Key(id), cancellationToken: cancellationToken);
    }

    private async Task SettleAsync(GeneratedImage image, ImageInfo chosen, CancellationToken cancellationToken)
    {
        foreach (var write in image.Writes.Where(write => write.Key != chosen.Key))
        {
            await objects.DeleteAsync(write.Key, cancellationToken);
        }

        await records.RecordAsync(
            new PictureRecord(chosen.Key, chosen.Owner, chosen.ContentType, chosen.Length, chosen.ETag, chosen.Width, chosen.Height), cancellationToken);
    }

    private async Task EraseAsync(string key, CancellationToken cancellationToken)
    {
        await records.DeleteAsync(key, cancellationToken);
        await objects.DeleteAsync(key, cancellationToken);
    }

    private async Task<GeneratedImage> CompleteAsync(Guid id, ImageInfo picture, CancellationToken cancellationToken)
    {
        var isErased = false;
        var image = await dapr.UpdateStateAsync<GeneratedImage>(
            Components.StateStore, Key(id),
            stored =>
            {
                isErased = stored is null;
                // Written again, so that what follows finds the object that came after its erasure.
                return stored is null ? new GeneratedImage(picture.Owner, [new(picture.Key, picture.ETag)], picture) : stored.Picture is null ? stored with { Picture = picture } : stored;
            },
            cancellationToken: cancellationToken);
        if (isErased)
        {
            await EraseAsync(id, cancellationToken);
            throw Gone();
        }

        return image;
    }

    private static UploadException Gone() => new(404, "USER_NOT_FOUND", "there is no such account (any more)");

    private static string Key(Guid id) => $"generated:{id:N}";
}
