using Contracts;
using Contracts.Images;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>A permission to upload one picture.</summary>
public sealed record UploadTicket(string Key, string Channel, string UploaderId, string ContentType, IReadOnlyDictionary<string, string>? Metadata);

/// <summary>A ticket that is neither finished nor expired.</summary>
public sealed record OpenTicket(string Key, DateTimeOffset Expires);

/// <summary>What a user has here: the document <c>images:{user}</c>.</summary>
/// <param name="Open">Tickets that are neither finished nor expired.</param>
/// <param name="Keys">The latest keys that the user got tickets for, whatever became of them, and generated pictures: what an erasure goes by.</param>
/// <param name="Pages">How many pages of earlier keys there are: the documents <c>images:{user}:{page}</c>, each written before it is counted here.</param>
/// <param name="ErasedAt">When the person deleted the account: there are no new tickets from then on.</param>
public sealed record UserImages(IReadOnlyList<OpenTicket> Open, IReadOnlyList<string> Keys, int Pages, DateTimeOffset? ErasedAt = null)
{
    /// <summary>Keys of a page.</summary>
    public const int PageSize = 200;

    /// <summary>Nothing yet.</summary>
    public static readonly UserImages Empty = new([], [], 0);
}

/// <summary>Whether a ticket was counted as open.</summary>
/// <param name="Opened">It was.</param>
/// <param name="Wait">When not: how long until one of the user's open tickets expires; null when the account is deleted.</param>
public readonly record struct Opening(bool Opened, TimeSpan? Wait);

/// <summary>
/// Tickets (<c>ticket:{key}</c>, with a time to live), what each user has (<see cref="UserImages"/>), and finished pictures
/// (<c>image:{key}</c>).
/// </summary>
internal sealed class ImageRecords(DaprClient dapr, IOptions<ImagesOptions> options, TimeProvider time)
{
    /// <summary>Counts a ticket as open and lists its key.</summary>
    public async Task<Opening> TryOpenAsync(string user, string key, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var now = time.GetUtcNow();
        var images = await UpdateAsync(
            user,
            stored =>
            {
                OpenTicket[] open = [.. stored.Open.Where(ticket => ticket.Expires > now)];
                return open.Any(ticket => ticket.Key == key) || open.Length >= settings.MaxOpenTickets
                    ? stored
                    : stored with { Open = [.. open, new OpenTicket(key, now + settings.TicketLifetime)], Keys = [.. stored.Keys, key] };
            },
            cancellationToken);
        if (images is { ErasedAt: null, Keys.Count: >= UserImages.PageSize })
        {
            await SealPageAsync(user, images, cancellationToken);
        }

        return images.ErasedAt is not null ? new Opening(false, null)
            : images.Open.Any(ticket => ticket.Key == key) ? new Opening(true, null)
            : new Opening(false, images.Open.Where(ticket => ticket.Expires > now).Min(ticket => ticket.Expires) - now);
    }

    /// <summary>A finished ticket is open no more. False when the person has deleted the account meanwhile, so that the picture must go too.</summary>
    public async Task<bool> CloseAsync(string user, string key, CancellationToken cancellationToken) => (await UpdateAsync(
        user,
        stored => stored.Open.Any(ticket => ticket.Key == key) ? stored with { Open = [.. stored.Open.Where(ticket => ticket.Key != key)] } : stored,
        cancellationToken)).ErasedAt is null;

    /// <summary>Lists what an erasure has to delete beside keys of tickets. May be repeated. False when the person has deleted the account.</summary>
    public async Task<bool> ListAsync(string user, string entry, CancellationToken cancellationToken)
    {
        var images = await UpdateAsync(
            user, stored => stored.Keys.Contains(entry) ? stored : stored with { Keys = [.. stored.Keys, entry] }, cancellationToken);
        if (images is { ErasedAt: null, Keys.Count: >= UserImages.PageSize })
        {
            await SealPageAsync(user, images, cancellationToken);
        }

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
        stored => stored is { ErasedAt: not null, Keys.Count: 0, Pages: 0 } ? stored : UserImages.Empty with { ErasedAt = at },
        kept, cancellationToken);

    /// <summary>A key's ticket and record. In this order an upload that ends now finds no ticket, and a callback no picture.</summary>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await DeleteTicketAsync(key, cancellationToken);
        await dapr.DeleteStateAsync(Components.StateStore, $"image:{key}", cancellationToken: cancellationToken);
    }

    public Task DeleteTicketAsync(string key, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, $"ticket:{key}", cancellationToken: cancellationToken);

    public Task SaveTicketAsync(UploadTicket ticket, CancellationToken cancellationToken) => dapr.SaveStateAsync(
        Components.StateStore, $"ticket:{ticket.Key}", ticket,
        metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)options.Value.TicketLifetime.TotalSeconds).ToString("D") },
        cancellationToken: cancellationToken);

    public async Task<UploadTicket?> FindTicketAsync(string key, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<UploadTicket?>(Components.StateStore, $"ticket:{key}", cancellationToken: cancellationToken);

    public async Task<ImageInfo?> FindAsync(string key, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<ImageInfo?>(Components.StateStore, $"image:{key}", cancellationToken: cancellationToken);

    /// <summary>Records a finished picture; the first record stays. Returns what is recorded.</summary>
    public async Task<ImageInfo> FinishAsync(ImageInfo image, CancellationToken cancellationToken)
    {
        try
        {
            await dapr.SaveStateAsync(
                Components.StateStore, $"image:{image.Key}", image, new StateOptions { Concurrency = ConcurrencyMode.FirstWrite },
                cancellationToken: cancellationToken);
            return image;
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            return await FindAsync(image.Key, cancellationToken) ?? throw new InvalidOperationException("the record could not be written");
        }
    }

    /// <summary>Moves a full page of keys out of the document. Only what is stored in it is moved, so a page is the same whoever writes it.</summary>
    private async Task SealPageAsync(string user, UserImages images, CancellationToken cancellationToken)
    {
        string[] page = [.. images.Keys.Take(UserImages.PageSize)];
        await dapr.SaveStateAsync(Components.StateStore, Key(user, images.Pages), page, cancellationToken: cancellationToken);
        await UpdateAsync(
            user,
            stored => stored.Pages == images.Pages ? stored with { Keys = [.. stored.Keys.Skip(UserImages.PageSize)], Pages = images.Pages + 1 } : stored,
            cancellationToken);
    }

    private Task<UserImages> UpdateAsync(string user, Func<UserImages, UserImages> change, CancellationToken cancellationToken) => dapr.UpdateStateAsync<UserImages>(
        Components.StateStore, Key(user), stored => stored is { ErasedAt: not null } ? stored : change(stored ?? UserImages.Empty), cancellationToken: cancellationToken);

    private static string Key(string user) => $"images:{user}";

    private static string Key(string user, int page) => $"images:{user}:{page}";
}
