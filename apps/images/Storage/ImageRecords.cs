using Contracts;
using Contracts.Images;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>A permission to upload one picture.</summary>
public sealed record UploadTicket(string Key, string Channel, string UploaderId, string ContentType, IReadOnlyDictionary<string, string>? Metadata);

/// <summary>Tickets (<c>ticket:{key}</c>, with a time to live) and finished pictures (<c>image:{key}</c>).</summary>
internal sealed class ImageRecords(DaprClient dapr, IOptions<ImagesOptions> options)
{
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
