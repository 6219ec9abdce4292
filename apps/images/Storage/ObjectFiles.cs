using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>
/// The files behind component <c>objects</c>. What arrives is streamed to <c>.uploads/{key}/{random}.part</c>, synced and renamed to its
/// SHA-256; the one that its record names then becomes the picture, under its key. So a key's file appears whole, and no later upload
/// can replace it.
/// </summary>
internal sealed class ObjectFiles
{
    private const int BufferSize = 64 * 1024;
    private readonly string _root;
    private readonly string _uploads;
    private readonly ImagesOptions _options;
    private readonly TimeProvider _time;

    public ObjectFiles(IOptions<ImagesOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _time = time;
        _root = Path.GetFullPath(_options.ObjectsPath);
        _uploads = Path.Combine(_root, ".uploads");
        Directory.CreateDirectory(_uploads);
    }

    /// <summary>
    /// Streams a body to disk and returns its SHA-256 and length. Nothing is left behind when it throws: <see cref="UploadException"/>
    /// for a body that is too large, too slow, empty, or no picture of the given type, or when the key has too many already.
    /// </summary>
    public async Task<(string ETag, long Length)> ReceiveAsync(string key, string contentType, Stream body, CancellationToken cancellationToken)
    {
        var folder = FolderOf(key);
        Directory.CreateDirectory(folder);
        if (Directory.EnumerateFiles(folder).Count() >= _options.MaxUploadsPerTicket)
        {
            throw new UploadException(429, "TOO_MANY_UPLOADS", $"a ticket takes at most {_options.MaxUploadsPerTicket} uploads: get another ticket");
        }

        var temporary = Path.Combine(folder, $"{Guid.NewGuid():N}.part");
        using var idle = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        await using var gone = cancellationToken.UnsafeRegister(static idle => ((CancellationTokenSource)idle!).Cancel(), idle);
        try
        {
            var (etag, length) = await WriteAsync(temporary, contentType, body, idle, cancellationToken);
            File.Move(temporary, Path.Combine(folder, etag), overwrite: true);
            return (etag, length);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UploadException(404, "UPLOAD_NOT_FOUND", "the upload was deleted while it was under way");
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new UploadException(408, "UPLOAD_TOO_SLOW", $"nothing arrived for {_options.UploadIdleTimeout}");
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Whether anything has arrived for the key.</summary>
    public bool HasUploads(string key) =>
        Directory.Exists(FolderOf(key)) && Directory.EnumerateFiles(FolderOf(key)).Any(file => !file.EndsWith(".part", StringComparison.Ordinal));

    /// <summary>The upload with this SHA-256, or null when there is none.</summary>
    public async Task<byte[]?> ReadUploadAsync(string key, string etag, CancellationToken cancellationToken)
    {
        var path = Path.Combine(FolderOf(key), etag);
        return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
    }

    /// <summary>
    /// Makes an upload the picture of its key. Only for the SHA-256 that the key's record names, so it may be repeated. False when there is neither: both
    /// were erased.
    /// </summary>
    public bool Finish(string key, string etag)
    {
        var (upload, picture) = (Path.Combine(FolderOf(key), etag), PathOf(key));
        Directory.CreateDirectory(Path.GetDirectoryName(picture)!);
        try
        {
            File.Move(upload, picture, overwrite: true);
            return true;
        }
        catch (IOException) when (!File.Exists(upload))
        {
            // Done before, or erased.
            return File.Exists(picture);
        }
    }

    /// <summary>Opens the picture for streaming, or null when there is none.</summary>
    public FileStream? OpenRead(string key)
    {
        var path = PathOf(key);
        return File.Exists(path)
            ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous | FileOptions.SequentialScan)
            : null;
    }

    /// <summary>Deletes the picture of a key and what was uploaded for it. May be repeated; an upload that is under way fails.</summary>
    public void Delete(string key)
    {
        if (File.Exists(PathOf(key)))
        {
            File.Delete(PathOf(key));
        }

        try
        {
            Directory.Delete(FolderOf(key), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was uploaded, or it was deleted before.
        }
    }

    /// <summary>
    /// Deletes what crashes and abandoned uploads left: files in <c>.uploads</c> whose last byte is older than any ticket.
    /// Pictures stay. Any number of replicas may do it at a time. Returns the number of files.
    /// </summary>
    public int Sweep()
    {
        var limit = (_time.GetUtcNow() - _options.TicketLifetime - _options.AbandonedAfter).UtcDateTime;
        var deleted = 0;
        foreach (var folder in Directory.EnumerateDirectories(_uploads, "*", SearchOption.AllDirectories).OrderDescending(StringComparer.Ordinal).ToArray())
        {
            try
            {
                foreach (var file in Directory.EnumerateFiles(folder).Where(file => File.GetLastWriteTimeUtc(file) < limit))
                {
                    File.Delete(file);
                    deleted++;
                }

                if (Directory.GetLastWriteTimeUtc(folder) < limit && !Directory.EnumerateFileSystemEntries(folder).Any())
                {
                    Directory.Delete(folder);
                }
            }
            catch (IOException)
            {
                // Another replica was faster, or an upload has just begun.
            }
        }

        return deleted;
    }

    private async Task<(string ETag, long Length)> WriteAsync(
        string path, string contentType, Stream body, CancellationTokenSource idle, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            long length = 0;
            await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
            while (true)
            {
                idle.CancelAfter(_options.UploadIdleTimeout);
                var read = await body.ReadAtLeastAsync(
                    buffer.AsMemory(0, length == 0 ? ImageSniffer.Length : BufferSize), length == 0 ? ImageSniffer.Length : 1,
                    throwOnEndOfStream: false, idle.Token);
                // A slow disk is not the client's fault.
                idle.CancelAfter(Timeout.InfiniteTimeSpan);
                if (read == 0)
                {
                    break;
                }

                // The first bytes decide before anything more is taken in.
                if (length == 0 && ImageSniffer.ContentType(buffer.AsSpan(0, read)) is var sniffed && sniffed != contentType)
                {
                    throw new UploadException(415, "UNSUPPORTED_IMAGE", $"the body is {sniffed ?? "no JPEG or PNG picture"}, the ticket is for {contentType}");
                }

                length += read;
                if (length > _options.MaxUploadBytes)
                {
                    throw new UploadException(413, "IMAGE_TOO_LARGE", $"a picture has at most {_options.MaxUploadBytes} bytes");
                }

                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }

            if (length == 0)
            {
                throw new UploadException(400, "IMAGE_EMPTY", "the body is empty");
            }

            file.Flush(flushToDisk: true);
            return (Convert.ToHexStringLower(hash.GetHashAndReset()), length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Keys have passed <see cref="ImageKey"/>, so the path stays below the root.</summary>
    private string PathOf(string key) => Path.Combine(_root, key);

    private string FolderOf(string key) => Path.Combine(_uploads, key);
}

/// <summary>An upload that is refused.</summary>
internal sealed class UploadException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;
    public string Code { get; } = code;
}

/// <summary>Tells pictures by their first bytes.</summary>
internal static class ImageSniffer
{
    /// <summary>How many bytes are looked at.</summary>
    public const int Length = 8;

    /// <summary><c>image/jpeg</c>, <c>image/png</c> or null.</summary>
    public static string? ContentType(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : null;
}
