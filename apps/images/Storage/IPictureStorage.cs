namespace Images.Storage;

/// <summary>Where and how a client uploads.</summary>
/// <param name="Url">Address of the PUT.</param>
/// <param name="RequiredHeaders">Headers it must have, exactly so.</param>
public sealed record UploadAddress(Uri Url, IReadOnlyDictionary<string, string> RequiredHeaders);

/// <summary>An upload that was found.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Length">How many.</param>
/// <param name="ContentType">What the store keeps of its type; null when it keeps none.</param>
internal sealed record UploadedFile(Stream Content, long Length, string? ContentType) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>
/// The store behind component <c>objects</c>, for what a binding cannot do: addresses that clients upload to, and bytes that are streamed because they are
/// too many for a message (docs/adr/0010). <see cref="ObjectFiles"/> is the folder, <see cref="S3Pictures"/> any server that speaks S3, by the package
/// AWSSDK.S3. Uploads lie apart until they are finished; nobody is served from there.
/// </summary>
internal interface IPictureStorage
{
    /// <summary>Whether a ticket needs length and checksum of the file, because the address is signed for exactly that file.</summary>
    bool NeedsAnnouncement { get; }

    /// <summary>Where the owner of the ticket uploads.</summary>
    Task<UploadAddress> AddressAsync(UploadTicket ticket, CancellationToken cancellationToken);

    /// <summary>Whether anything has arrived for the key.</summary>
    Task<bool> HasUploadsAsync(string key, CancellationToken cancellationToken);

    /// <summary>The upload with this SHA-256 (hex), as far as the store knows it: who reads the bytes checks. Null when there is none.</summary>
    Task<UploadedFile?> OpenUploadAsync(string key, string sha256, CancellationToken cancellationToken);

    /// <summary>Deletes what was uploaded for a key. May be repeated.</summary>
    Task DeleteUploadsAsync(string key, CancellationToken cancellationToken);

    /// <summary>Writes an object that is too large for a message; the last write wins, and it appears whole.</summary>
    Task WriteAsync(string key, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Opens an object for streaming; null when there is none.</summary>
    Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken);

    /// <summary>Deletes an object. May be repeated.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Deletes old files that no record knows of; returns how many. May be repeated, on any number of replicas.</summary>
    int Sweep();
}
