using Contracts.Images;
using ServiceDefaults;

namespace Scan.Jobs;

/// <summary>Asks images for what it knows of a picture.</summary>
internal sealed class ImagesClient(HttpClient http)
{
    /// <summary>The picture, or null when there is none or its upload was never finished.</summary>
    public async Task<ImageInfo?> FindAsync(string key, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync($"/internal/images/{key}", cancellationToken);
        return await response.ReadFoundAsync<ImageInfo>(cancellationToken);
    }
}
