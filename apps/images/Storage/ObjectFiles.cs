using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>
/// The folder behind component <c>objects</c>. What arrives is streamed to <c>.uploads/{key}/{random}.part</c>, synced and renamed to its
/// SHA-256; the picture is made of the one that its record names. Files appear whole.
/// </summary>
internal sealed class ObjectFiles : IPictureStorage
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Much more at a time costs more in the file system than it saves in calls.</summary>
    private const int BlockSize = 256 * 1024;

    /// <summary>What the disk begins with while the rest is on its way, so that little is left to wait for at the end.</summary>
    private const long WriteBackSize = 8 * 1024 * 1024;

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

    /// <summary>The bytes come through us: whatever was announced is checked when they are here.</summary>
    public bool NeedsAnnouncement => false;

    public Task<UploadAddress> AddressAsync(UploadTicket ticket, CancellationToken cancellationToken) => Task.FromResult(new UploadAddress(
        new Uri(_options.PublicBaseUrl, $"/api/v1/images/upload/{ticket.Key}"), new Dictionary<string, string> { ["Content-Type"] = ticket.ContentType }));

    /// <summary>
    /// Streams a body to disk and returns its SHA-256 and length. Nothing is left behind when it throws: <see cref="UploadException"/>
    /// for a body that is too large, too slow, empty, no picture of the ticket's type or not what the ticket announces, or when the key has too many already.
    /// </summary>
    public async Task<(string ETag, long Length)> ReceiveAsync(UploadTicket ticket, PipeReader body, CancellationToken cancellationToken)
    {
        var key = ticket.Key;
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
            var (etag, length) = await WriteAsync(temporary, ticket.ContentType, body, idle, cancellationToken);
            if (length != (ticket.Length ?? length) || etag != (ticket.Sha256 ?? etag))
            {
                throw new UploadException(409, "UPLOAD_MISMATCH", "the body is not the file that the ticket was asked for: its length or its SHA-256 is another");
            }

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

    public Task<bool> HasUploadsAsync(string key, CancellationToken cancellationToken) => Task.FromResult(
        Directory.Exists(FolderOf(key)) && Directory.EnumerateFiles(FolderOf(key)).Any(file => !file.EndsWith(".part", StringComparison.Ordinal)));

    public Task<UploadedFile?> OpenUploadAsync(string key, string sha256, CancellationToken cancellationToken) =>
        Task.FromResult(Open(Path.Combine(FolderOf(key), sha256)) is { } file ? new UploadedFile(file, file.Length, null) : null);

    public async Task WriteAsync(string key, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // Beside the uploads, so that a crash leaves what is swept.
        var temporary = Path.Combine(_uploads, $"{Guid.NewGuid():N}.part");
        try
        {
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous))
            {
                await file.WriteAsync(content, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken) => Task.FromResult<Stream?>(Open(PathOf(key)));

    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        if (File.Exists(PathOf(key)))
        {
            File.Delete(PathOf(key));
        }

        return Task.CompletedTask;
    }

    /// <summary>An upload that is under way fails.</summary>
    public Task DeleteUploadsAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            Directory.Delete(FolderOf(key), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was uploaded, or it was deleted before.
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Deletes what crashes and abandoned uploads left: files in <c>.uploads</c> whose last byte is older than any ticket.
    /// Pictures stay. Any number of replicas may do it at a time. Returns the number of files.
    /// </summary>
    public int Sweep()
    {
        var limit = (_time.GetUtcNow() - _options.TicketLifetime - _options.AbandonedAfter).UtcDateTime;
        var deleted = 0;
        string[] folders = [.. Directory.EnumerateDirectories(_uploads, "*", SearchOption.AllDirectories).OrderDescending(StringComparer.Ordinal), _uploads];
        foreach (var folder in folders)
        {
            try
            {
                foreach (var file in Directory.EnumerateFiles(folder).Where(file => File.GetLastWriteTimeUtc(file) < limit))
                {
                    File.Delete(file);
                    deleted++;
                }

                if (folder != _uploads && Directory.GetLastWriteTimeUtc(folder) < limit && !Directory.EnumerateFileSystemEntries(folder).Any())
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
        string path, string contentType, PipeReader body, CancellationTokenSource idle, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
        List<ReadOnlyMemory<byte>> pieces = [];
        long length = 0, begun = 0;
        while (true)
        {
            var arrived = await AtLeastAsync(body, length == 0 ? ImageSniffer.Length : BlockSize, idle);
            var block = arrived.Slice(0, Math.Min(arrived.Length, BlockSize));
            try
            {
                if (block.IsEmpty)
                {
                    break;
                }

                // The first bytes decide before anything more is taken in.
                if (length == 0 && ImageSniffer.ContentType(block) is var sniffed && sniffed != contentType)
                {
                    throw new UploadException(415, "UNSUPPORTED_IMAGE", $"the body is {sniffed ?? "no JPEG or PNG picture"}, the ticket is for {contentType}");
                }

                if (length + block.Length > _options.MaxUploadBytes)
                {
                    throw new UploadException(413, "IMAGE_TOO_LARGE", $"a picture has at most {_options.MaxUploadBytes} bytes");
                }

                pieces.Clear();
                foreach (var piece in block)
                {
                    pieces.Add(piece);
                }

                // Written from where the server received it, and hashed meanwhile; what comes next is received meanwhile.
                var writing = RandomAccess.WriteAsync(file, pieces, length, cancellationToken);
                pieces.ForEach(piece => hash.AppendData(piece.Span));
                await writing;
                length += block.Length;
            }
            finally
            {
                body.AdvanceTo(block.End);
            }

            if (length - begun >= WriteBackSize)
            {
                WriteBack.Begin(file, begun, length - begun);
                begun = length;
            }
        }

        if (length == 0)
        {
            throw new UploadException(400, "IMAGE_EMPTY", "the body is empty");
        }

        RandomAccess.FlushToDisk(file);
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), length);
    }

    /// <summary>What has arrived, once it is that many bytes or all there will be. Whoever sends something has the whole time again.</summary>
    private async ValueTask<ReadOnlySequence<byte>> AtLeastAsync(PipeReader body, int count, CancellationTokenSource idle)
    {
        while (true)
        {
            idle.CancelAfter(_options.UploadIdleTimeout);
            var read = await body.ReadAsync(idle.Token);
            // A slow disk is not the client's fault.
            idle.CancelAfter(Timeout.InfiniteTimeSpan);
            if (read.Buffer.Length >= count || read.IsCompleted)
            {
                return read.Buffer;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
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

    /// <summary>An upload that is not the one that the callback names.</summary>
    public static UploadException Mismatch() => new(409, "UPLOAD_MISMATCH", "etag or content_length is not what was uploaded");
}

/// <summary>Tells pictures by their first bytes.</summary>
internal static class ImageSniffer
{
    /// <summary>How many bytes are looked at.</summary>
    public const int Length = 8;

    /// <inheritdoc cref="ContentType(ReadOnlySpan{byte})"/>
    public static string? ContentType(ReadOnlySequence<byte> start)
    {
        Span<byte> first = stackalloc byte[Length];
        start = start.Slice(0, Math.Min(start.Length, Length));
        start.CopyTo(first);
        return ContentType(first[..(int)start.Length]);
    }

    /// <summary><c>image/jpeg</c>, <c>image/png</c> or null.</summary>
    public static string? ContentType(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : null;
}
