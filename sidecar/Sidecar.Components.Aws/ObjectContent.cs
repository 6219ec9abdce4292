using System.Buffers.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>The bytes of an object to be: those of the request or a file.</summary>
internal sealed class ObjectContent : IAsyncDisposable
{
    private ObjectContent(Stream stream) => Stream = stream;

    /// <summary>The bytes; seekable, so that a failed attempt can be repeated.</summary>
    public Stream Stream { get; }

    public static ObjectContent From(ReadOnlyMemory<byte> content) => new(
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(content, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false));

    public static ObjectContent Open(string file)
    {
        try
        {
            return new(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.Asynchronous | FileOptions.SequentialScan));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BindingException($"filePath cannot be read: {exception.Message}", innerException: exception);
        }
    }

    /// <summary>The bytes that the base64 text stands for.</summary>
    public async Task<Stream> DecodeAsync(CancellationToken cancellationToken)
    {
        var text = new MemoryStream();
        await Stream.CopyToAsync(text, cancellationToken);
        var bytes = text.GetBuffer();
        return Base64.DecodeFromUtf8InPlace(bytes.AsSpan(0, (int)text.Length), out var length) == System.Buffers.OperationStatus.Done
            ? new MemoryStream(bytes, 0, length, writable: false)
            : throw new BindingException("decodeBase64 is set and the data is not base64");
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
