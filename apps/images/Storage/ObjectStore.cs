using System.Text.RegularExpressions;
using Contracts;
using Dapr;
using Dapr.Client;

namespace Images.Storage;

/// <summary>Component <c>objects</c>: whole pictures that fit a message, by their key, whatever store is behind it.</summary>
internal sealed partial class ObjectStore(DaprClient dapr)
{
    /// <summary>Writes an object; the last write of a key wins.</summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public async Task WriteAsync(string key, string contentType, byte[] content, CancellationToken cancellationToken)
    {
        var metadata = Named(key);
        // Base64 is the JSON form of bytes. A folder decodes it unasked, Azure when its component says so, the others when the request does.
        metadata["decodeBase64"] = "true";
        metadata["Content-Type"] = contentType;
        metadata["contentType"] = contentType;
        await CallAsync(() => dapr.InvokeBindingAsync(Components.Objects, "create", content, metadata, cancellationToken), cancellationToken);
    }

    /// <summary>An object that is known to be there.</summary>
    /// <exception cref="StorageException">It cannot be read.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(string key, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> content = default;
        await CallAsync(async () => content = (await dapr.InvokeBindingAsync(Request("get", key), cancellationToken)).Data, cancellationToken);
        return content;
    }

    /// <summary>Deletes an object. May be repeated: of the stores only S3 takes it for done when there is nothing to delete.</summary>
    /// <exception cref="StorageException">It cannot be deleted.</exception>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(() => dapr.InvokeBindingAsync(Request("delete", key), cancellationToken), cancellationToken);
        }
        catch (StorageException exception) when (IsMissing().IsMatch($"{exception.InnerException?.Message} {exception.InnerException?.InnerException?.Message}"))
        {
            // Deleted before, or never written.
        }
    }

    private static BindingRequest Request(string operation, string key)
    {
        var request = new BindingRequest(Components.Objects, operation);
        foreach (var (name, value) in Named(key))
        {
            request.Metadata[name] = value;
        }

        return request;
    }

    /// <summary>A folder calls it fileName, S3 and Google key, Azure blobName; each reads its own.</summary>
    private static Dictionary<string, string> Named(string key) => new() { ["fileName"] = key, ["key"] = key, ["blobName"] = key };

    /// <summary>How a folder, Azure and Google say it; Dapr has no code for it.</summary>
    [GeneratedRegex("no such file|not ?found|(does not|doesn't) exist", RegexOptions.IgnoreCase)]
    private static partial Regex IsMissing();

    private static async Task CallAsync(Func<Task> call, CancellationToken cancellationToken)
    {
        try
        {
            await call();
        }
        catch (DaprException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StorageException(exception);
        }
    }
}

/// <summary>The store of pictures cannot do what it was asked.</summary>
internal sealed class StorageException(Exception cause) : Exception("the store of pictures does not answer as it should; try again", cause);
