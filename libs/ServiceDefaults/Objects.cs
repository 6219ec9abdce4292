using Contracts;
using Dapr.Client;

namespace ServiceDefaults;

/// <summary>Files of component <c>objects</c>.</summary>
public static class Objects
{
    /// <summary>A file. Throws what <see cref="DaprClient"/> throws, also when there is none.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadObjectAsync(this DaprClient dapr, string key, CancellationToken cancellationToken)
    {
        // A folder calls it fileName, S3 and Google key, Azure blobName; each reads its own.
        var request = new BindingRequest(Components.Objects, "get") { Metadata = { ["fileName"] = key, ["key"] = key, ["blobName"] = key } };
        return (await dapr.InvokeBindingAsync(request, cancellationToken)).Data;
    }
}
