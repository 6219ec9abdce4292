using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>
/// The files behind component <c>objects</c>. A file appears under its key only when it is whole and on disk: it is streamed to a
/// temporary name, synced and renamed.
/// </summary>
internal sealed class ObjectFiles
{
    private const int BufferSize = 64 * 1024;
    private readonly string _root;
    private readonly string _uploads;
    private readonly ImagesOptions _options;

    public ObjectFiles(IOptions<ImagesOptions> options)
    {
        _options = options.Value;
        _root = Path.GetFullPath(_options.ObjectsPath);
        _uploads = Path.Combine(_root, ".uploads");
        Directory.CreateDirectory(_uploads);
    }

    /// <summary>
    /// Streams a body to the key's file and returns its SHA-256 and length. Nothing is left behind when it throws:
    /// <see cref="UploadException"/> for a body that is too large, too slow, empty, or no picture of the given type.
    /// </summary>
    public async Task<(string ETag, long Length)> WriteAsync(string key, string contentType, Stream body, CancellationToken cancellationToken)
    {
        var temporary = Path.Combine(_uploads, Guid.NewGuid().ToString("N"));
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            long length = 0;
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous))
            {
                while (true)
                {
                    idle.CancelAfter(_options.UploadIdleTimeout);
                    var read = await body.ReadAtLeastAsync(
                        buffer.AsMemory(0, length == 0 ? ImageSniffer.Length : BufferSize), length == 0 ? ImageSniffer.Length : 1,
                        throwOnEndOfStream: false, idle.Token);
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
            }

            var path = PathOf(key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Move(temporary, path, overwrite: true);
            return (Convert.ToHexStringLower(hash.GetHashAndReset()), length);
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new UploadException(408, "UPLOAD_TOO_SLOW", $"nothing arrived for {_options.UploadIdleTimeout}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            File.Delete(temporary);
        }
    }

    /// <summary>The whole file, or null when there is none.</summary>
    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
    }

    /// <summary>Opens the file for streaming, or null when there is none.</summary>
    public FileStream? OpenRead(string key)
    {
        var path = PathOf(key);
        return File.Exists(path)
            ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous | FileOptions.SequentialScan)
            : null;
    }

    /// <summary>Keys have passed <see cref="ImageKey"/>, so the path stays below the root.</summary>
    private string PathOf(string key) => Path.Combine(_root, key);
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
