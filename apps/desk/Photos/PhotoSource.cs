using Contracts.Images;
using Dapr.Client;
using Imaging;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.GuardedFetch;

namespace Desk.Photos;

/// <summary>Photos by address: our own are read from our store, if they are the asker's, and never fetched; every other comes through the guarded client.</summary>
public sealed class PhotoSource(GuardedFetchClient pictures, ImagesClient images, DaprClient dapr, IOptions<DeskOptions> options)
{
    private static readonly string[] LocalHosts = ["localhost", "127.0.0.1"];

    private readonly string[] _hosts = options.Value.ImageHosts is { Count: > 0 } hosts ? [.. hosts] : LocalHosts;

    /// <summary>Why no photo is taken from the address, as far as can be told without asking anybody; null when nothing speaks against it.</summary>
    public FetchFailure? Refusal(string url) => ImageAddress.KeyOf(url, _hosts) is null ? pictures.Refusal(url) : null;

    /// <summary>The photo. What is wrong with it or its address is a failure; throws when a part of the platform does not answer.</summary>
    public async Task<FetchResult> GetAsync(string url, string userId, CancellationToken cancellationToken)
    {
        if (ImageAddress.KeyOf(url, _hosts) is not { } key)
        {
            return await pictures.GetAsync(url, cancellationToken);
        }

        if (await images.FindAsync(key, cancellationToken) is not { } image || image.Owner != userId)
        {
            return new FetchResult(Content: null, new FetchFailure(400, "IMAGE_NOT_FOUND", "there is no finished upload of yours at this address"));
        }

        var bytes = await dapr.ReadObjectAsync(key, cancellationToken);
        return new FetchResult(new FetchedContent(bytes.ToArray(), image.ContentType), Failure: null);
    }
}
