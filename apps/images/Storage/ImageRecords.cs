using Contracts;
using Contracts.Images;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>A permission to upload one picture.</summary>
/// <param name="Key">Of the picture to be.</param>
/// <param name="Channel">First part of the key.</param>
/// <param name="UploaderId">Whose.</param>
/// <param name="ContentType">What will be uploaded.</param>
/// <param name="Metadata">What the client wants to hear again when it has finished.</param>
/// <param name="Length">Bytes of the file, where the client has said so.</param>
/// <param name="Sha256">SHA-256 of the file in lower-case hex, where the client has said so.</param>
public sealed record UploadTicket(
    string Key, string Channel, string UploaderId, string ContentType, IReadOnlyDictionary<string, string>? Metadata, long? Length = null, string? Sha256 = null);

/// <summary>A picture: the document <c>image:{key}</c>.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Owner">Whose it is.</param>
/// <param name="ContentType">image/jpeg or image/png.</param>
/// <param name="Length">Bytes of the picture.</param>
/// <param name="ETag">SHA-256 of the picture.</param>
/// <param name="Width">Pixels per row; null of old ones.</param>
/// <param name="Height">Rows; null of old ones.</param>
/// <param name="UploadETag">SHA-256 of the upload it was made of; null where the picture is the upload itself, or was generated.</param>
/// <param name="UploadLength">Bytes of that upload.</param>
/// <param name="Pending">Chosen, but its objects may not be written yet.</param>
/// <param name="HasThumbnail">Whether it has one.</param>
public sealed record PictureRecord(
    string Key, string Owner, string ContentType, long Length, string ETag, int? Width = null, int? Height = null, string? UploadETag = null, long? UploadLength = null,
    bool Pending = false, bool HasThumbnail = false)
{
    /// <summary>Whether this upload became the picture.</summary>
    public bool IsMadeOf(string? etag, long? length) => etag == (UploadETag ?? ETag) && (length ?? UploadLength ?? Length) == (UploadLength ?? Length);

    /// <summary>What other apps hear.</summary>
    public ImageInfo Info() => new(Key, Owner, ContentType, Length, ETag, Width, Height);
}

/// <summary>A ticket that is neither finished nor expired, or holds a part of the quota.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Bytes">What its picture takes of the quota so far: 0 until it is made.</param>
public sealed record OpenTicket(string Key, DateTimeOffset Expires, long Bytes = 0);

/// <summary>What a user has here: the document <c>images:{user}</c>.</summary>
/// <param name="Open">Tickets that are neither finished nor expired.</param>
/// <param name="Keys">The latest keys that the user got tickets for, whatever became of them, and generated pictures: what an erasure goes by.</param>
/// <param name="Pages">How many pages of earlier keys there are: the documents <c>images:{user}:{page}</c>, each written before it is counted here.</param>
/// <param name="ErasedAt">When the person deleted the account: there are no new tickets from then on.</param>
/// <param name="Bytes">What the user's finished pictures take of the quota, with those of <paramref name="Open"/> that are being written. Generated ones do not count.</param>
public sealed record UserImages(IReadOnlyList<OpenTicket> Open, IReadOnlyList<string> Keys, int Pages, DateTimeOffset? ErasedAt = null, long Bytes = 0)
{
    /// <summary>Keys of a page.</summary>
    public const int PageSize = 200;

    /// <summary>Nothing yet.</summary>
    public static readonly UserImages Empty = new([], [], 0);
}

/// <summary>Whether a ticket was counted as open.</summary>
/// <param name="Opened">It was.</param>
/// <param name="Wait">When not: how long until one of the user's open tickets expires; null when the account is deleted.</param>
/// <param name="IsFull">When not: whether the user's quota is used up.</param>
public readonly record struct Opening(bool Opened, TimeSpan? Wait, bool IsFull = false);

/// <summary>Whether a picture has its part of the quota.</summary>
public enum Charge
{
    /// <summary>It has.</summary>
    Taken,

    /// <summary>There is too little left.</summary>
    Full,

    /// <summary>The person has deleted the account.</summary>
    Erased,

    /// <summary>The ticket is not open any more: finished, or expired.</summary>
    Closed,
}

/// <summary>
/// Tickets (<c>ticket:{key}</c>, with a time to live), what each user has (<see cref="UserImages"/>), and pictures (<c>image:{key}</c>).
/// </summary>
internal sealed class ImageRecords(DaprClient dapr, IOptions<ImagesOptions> options, TimeProvider time)
{
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    /// <summary>Counts a ticket as open and lists its key.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="key">Of the ticket.</param>
    /// <param name="bytes">What will be uploaded, where that is known: a ticket that cannot fit the quota is not given.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<Opening> TryOpenAsync(string user, string key, long? bytes, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var now = time.GetUtcNow();
        bool IsFull(UserImages stored) => stored.Bytes + (bytes ?? 1) > settings.MaxBytesPerUser;
        var images = await UpdateAsync(
            user,
            stored =>
            {
                OpenTicket[] open = [.. stored.Open.Where(ticket => ticket.Expires > now || ticket.Bytes > 0)];
                return IsFull(stored) || open.Any(ticket => ticket.Key == key) || open.Count(ticket => ticket.Expires > now) >= settings.MaxOpenTickets
                    ? stored
                    : stored with { Open = [.. open, new OpenTicket(key, now + settings.TicketLifetime)], Keys = [.. stored.Keys, key] };
            },
            cancellationToken);
        await SealAsync(user, images, cancellationToken);
        return images.ErasedAt is not null ? new Opening(false, null)
            : images.Open.Any(ticket => ticket.Key == key) ? new Opening(true, null)
            : IsFull(images) ? new Opening(false, null, IsFull: true)
            : new Opening(false, images.Open.Where(ticket => ticket.Expires > now).Min(ticket => ticket.Expires) - now);
    }

    /// <summary>Takes a part of the quota for the picture of an open ticket. May be repeated; the last number counts.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="key">Of the picture.</param>
    /// <param name="bytes">Of the picture.</param>
    /// <param name="reopen">Whether a ticket that is not open is opened for it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<Charge> ChargeAsync(string user, string key, long bytes, bool reopen, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var charge = Charge.Taken;
        var images = await UpdateAsync(
            user,
            stored =>
            {
                var ticket = stored.Open.FirstOrDefault(ticket => ticket.Key == key);
                var used = stored.Bytes - (ticket?.Bytes ?? 0) + bytes;
                charge = ticket is null && !reopen ? Charge.Closed : used > options.Value.MaxBytesPerUser ? Charge.Full : Charge.Taken;
                return charge != Charge.Taken || ticket?.Bytes == bytes ? stored
                    : stored with { Open = [.. stored.Open.Where(other => other.Key != key), (ticket ?? new OpenTicket(key, now)) with { Bytes = bytes }], Bytes = used };
            },
            cancellationToken);
        return images.ErasedAt is not null ? Charge.Erased : charge;
    }

    /// <summary>
    /// A finished ticket is open no more; its picture keeps its part of the quota. May be repeated. False when the person has deleted the account meanwhile, so
    /// that the picture must go too.
    /// </summary>
    /// <param name="user">Whose.</param>
    /// <param name="key">Of the picture.</param>
    /// <param name="bytes">What the picture really takes; null for what it was charged with.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<bool> CloseAsync(string user, string key, long? bytes, CancellationToken cancellationToken) => (await UpdateAsync(
        user,
        stored => stored.Open.FirstOrDefault(ticket => ticket.Key == key) is { } ticket
            ? stored with { Open = [.. stored.Open.Where(other => other.Key != key)], Bytes = stored.Bytes - ticket.Bytes + (bytes ?? ticket.Bytes) }
            : stored,
        cancellationToken)).ErasedAt is null;

    /// <summary>A ticket that came to nothing is open no more, and its part of the quota is free again. May be repeated.</summary>
    public Task RefundAsync(string user, string key, CancellationToken cancellationToken) => CloseAsync(user, key, 0, cancellationToken);

    /// <summary>Lists what an erasure has to delete beside keys of tickets. May be repeated. False when the person has deleted the account.</summary>
    public async Task<bool> ListAsync(string user, string entry, CancellationToken cancellationToken)
    {
        var images = await UpdateAsync(
            user, stored => stored.Keys.Contains(entry) ? stored : stored with { Keys = [.. stored.Keys, entry] }, cancellationToken);
        await SealAsync(user, images, cancellationToken);
        return images.ErasedAt is null;
    }

    /// <summary>Whether the person has deleted the account.</summary>
    public async Task<bool> IsErasedAsync(string user, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<UserImages?>(Components.StateStore, Key(user), cancellationToken: cancellationToken) is { ErasedAt: not null };

    /// <summary>From now on the user gets no tickets. Returns what there is to erase.</summary>
    public Task<UserImages> BeginErasureAsync(string user, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken) => dapr.UpdateStateAsync<UserImages>(
        Components.StateStore, Key(user),
        stored => stored is { ErasedAt: not null } ? stored : (stored ?? UserImages.Empty) with { Open = [], ErasedAt = at },
        kept, cancellationToken);

    /// <summary>The keys of a page; none when it was erased before.</summary>
    public async Task<IReadOnlyList<string>> ReadPageAsync(string user, int page, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<List<string>?>(Components.StateStore, Key(user, page), cancellationToken: cancellationToken) ?? [];

    public Task DeletePageAsync(string user, int page, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, Key(user, page), cancellationToken: cancellationToken);

    /// <summary>Everything is erased: what stays is the mark.</summary>
    public Task EndErasureAsync(string user, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken) => dapr.UpdateStateAsync<UserImages>(
        Components.StateStore, Key(user),
        stored => stored is { ErasedAt: not null, Keys.Count: 0, Pages: 0, Bytes: 0 } ? stored : UserImages.Empty with { ErasedAt = at },
        kept, cancellationToken);

    /// <summary>A key's ticket and record. In this order an upload that ends now finds no ticket, and a callback no picture.</summary>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await DeleteTicketAsync(key, cancellationToken);
        await dapr.DeleteStateAsync(Components.StateStore, Image(key), cancellationToken: cancellationToken);
    }

    /// <summary>Deletes ticket and record of a key unless it is a finished picture. False when it is one.</summary>
    public async Task<bool> AbandonAsync(string key, CancellationToken cancellationToken)
    {
        await DeleteTicketAsync(key, cancellationToken);
        while (true)
        {
            var (stored, etag) = await dapr.GetStateAndETagAsync<PictureRecord?>(Components.StateStore, Image(key), cancellationToken: cancellationToken);
            if (stored is null || !stored.Pending)
            {
                return stored is null;
            }

            if (await dapr.TryDeleteStateAsync(Components.StateStore, Image(key), etag, FirstWrite, cancellationToken: cancellationToken))
            {
                return true;
            }
        }
    }

    public Task DeleteTicketAsync(string key, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, $"ticket:{key}", cancellationToken: cancellationToken);

    public Task SaveTicketAsync(UploadTicket ticket, CancellationToken cancellationToken) => dapr.SaveStateAsync(
        Components.StateStore, $"ticket:{ticket.Key}", ticket,
        metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)options.Value.TicketLifetime.TotalSeconds).ToString("D") },
        cancellationToken: cancellationToken);

    public async Task<UploadTicket?> FindTicketAsync(string key, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<UploadTicket?>(Components.StateStore, $"ticket:{key}", cancellationToken: cancellationToken);

    /// <summary>The record of a picture, pending or not.</summary>
    public async Task<PictureRecord?> FindAsync(string key, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<PictureRecord?>(Components.StateStore, Image(key), cancellationToken: cancellationToken);

    /// <summary>The record of a finished picture.</summary>
    public async Task<PictureRecord?> FindFinishedAsync(string key, CancellationToken cancellationToken) =>
        await FindAsync(key, cancellationToken) is { Pending: false } picture ? picture : null;

    /// <summary>Records a picture; the first record stays. Returns what is recorded.</summary>
    public async Task<PictureRecord> RecordAsync(PictureRecord picture, CancellationToken cancellationToken)
    {
        try
        {
            await dapr.SaveStateAsync(Components.StateStore, Image(picture.Key), picture, FirstWrite, cancellationToken: cancellationToken);
            return picture;
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            return await FindAsync(picture.Key, cancellationToken) ?? throw new InvalidOperationException("the record could not be written");
        }
    }

    /// <summary>A pending picture is finished: its objects are written. Null when its record is gone: the person has deleted the account, or it took too long.</summary>
    public async Task<PictureRecord?> SettleAsync(PictureRecord picture, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (stored, etag) = await dapr.GetStateAndETagAsync<PictureRecord?>(Components.StateStore, Image(picture.Key), cancellationToken: cancellationToken);
            if (stored is null || !stored.Pending)
            {
                return stored;
            }

            var settled = picture with { Pending = false };
            if (await dapr.TrySaveStateAsync(Components.StateStore, Image(picture.Key), settled, etag, FirstWrite, cancellationToken: cancellationToken))
            {
                return settled;
            }
        }
    }

    /// <summary>Moves a full page of keys out of the document. Only what is stored in it is moved, so a page is the same whoever writes it.</summary>
    private async Task SealAsync(string user, UserImages images, CancellationToken cancellationToken)
    {
        if (images is not { ErasedAt: null, Keys.Count: >= UserImages.PageSize })
        {
            return;
        }

        string[] page = [.. images.Keys.Take(UserImages.PageSize)];
        await dapr.SaveStateAsync(Components.StateStore, Key(user, images.Pages), page, cancellationToken: cancellationToken);
        await UpdateAsync(
            user,
            stored => stored.Pages == images.Pages ? stored with { Keys = [.. stored.Keys.Skip(UserImages.PageSize)], Pages = images.Pages + 1 } : stored,
            cancellationToken);
    }

    private Task<UserImages> UpdateAsync(string user, Func<UserImages, UserImages> change, CancellationToken cancellationToken) => dapr.UpdateStateAsync<UserImages>(
        Components.StateStore, Key(user), stored => stored is { ErasedAt: not null } ? stored : change(stored ?? UserImages.Empty), cancellationToken: cancellationToken);

    private static string Image(string key) => $"image:{key}";

    private static string Key(string user) => $"images:{user}";

    private static string Key(string user, int page) => $"images:{user}:{page}";
}
