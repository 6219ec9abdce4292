using System.Net;
using System.Net.Http.Json;
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
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<ImageInfo>(TandemJson.Options, cancellationToken);
    }
}
