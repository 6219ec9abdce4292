using System.Net.Http.Headers;
using Contracts.Images;
using ServiceDefaults;

namespace Desk.Photos;

/// <summary>The app images: what it knows of our own pictures, and where generated ones go.</summary>
public sealed class ImagesClient(HttpClient http)
{
    /// <summary>What is known of a finished picture; null when there is none with this key.</summary>
    public async Task<ImageInfo?> FindAsync(string key, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync($"/internal/images/{key}", cancellationToken);
        return await response.ReadFoundAsync<ImageInfo>(cancellationToken);
    }

    /// <summary>
    /// Stores a generated picture, a PNG or a JPEG. Idempotent by the id: a repetition answers the first picture. Null when the owner has deleted the account.
    /// </summary>
    public async Task<StoredImage?> StoreAsync(Guid id, string owner, ReadOnlyMemory<byte> picture, string contentType, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/internal/images/generated/{id}?owner={Uri.EscapeDataString(owner)}")
        {
            Content = new ReadOnlyMemoryContent(picture) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } },
        };
        // images, or the store behind it, restarts within seconds.
        request.Options.Set(SidecarRetryHandler.RepeatOn, static (response, _) => Task.FromResult((int)response.StatusCode >= 500));
        using var response = await http.SendAsync(request, cancellationToken);
        return await response.ReadFoundAsync<StoredImage>(cancellationToken);
    }
}
