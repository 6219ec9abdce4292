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

/// <summary>The open tickets of a user.</summary>
public sealed record OpenTickets(IReadOnlyList<OpenTicket> Open);

/// <summary>
/// Tickets (<c>ticket:{key}</c>) and a user's open ones (<c>tickets:{user}</c>), both with a time to live, and finished pictures
/// (<c>image:{key}</c>).
/// </summary>
internal sealed class ImageRecords(DaprClient dapr, IOptions<ImagesOptions> options, TimeProvider time)
{
    /// <summary>Counts a ticket as open; null, or how long to wait when the user has too many.</summary>
    public async Task<TimeSpan?> TryOpenAsync(string user, string key, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var now = time.GetUtcNow();
        var tickets = await dapr.UpdateStateAsync<OpenTickets>(
            Components.StateStore, $"tickets:{user}",
            stored =>
            {
                OpenTicket[] open = [.. (stored?.Open ?? []).Where(ticket => ticket.Expires > now)];
                return open.Any(ticket => ticket.Key == key) || open.Length >= settings.MaxOpenTickets
                    ? stored!
                    : new OpenTickets([.. open, new OpenTicket(key, now + settings.TicketLifetime)]);
            },
            settings.TicketLifetime, cancellationToken);
        return tickets.Open.Any(ticket => ticket.Key == key) ? null : tickets.Open.Where(ticket => ticket.Expires > now).Min(ticket => ticket.Expires) - now;
    }

    /// <summary>A finished ticket is open no more.</summary>
    public Task CloseAsync(string user, string key, CancellationToken cancellationToken) => dapr.UpdateStateAsync<OpenTickets>(
        Components.StateStore, $"tickets:{user}",
        stored => stored is null ? new OpenTickets([])
            : stored.Open.Any(ticket => ticket.Key == key) ? new OpenTickets([.. stored.Open.Where(ticket => ticket.Key != key)])
            : stored,
        options.Value.TicketLifetime, cancellationToken);

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
}
