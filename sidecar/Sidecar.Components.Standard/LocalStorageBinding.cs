using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>
/// <c>bindings.localstorage</c>: create, get, delete, list of files below metadata <c>rootPath</c>; the file is named by request metadata
/// <c>fileName</c> and can never lie outside. A file appears whole: it is written aside, synced and renamed.
/// </summary>
internal sealed class LocalStorageBinding(ComponentContext context) : IOutputBinding
{
    private GuardedFolder _root = null!;

    public IReadOnlyList<string> Operations { get; } = ["create", "get", "delete", "list"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _root = GuardedFolder.From(context, "rootPath");
        Directory.CreateDirectory(_root.Path);
        return Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken) => request.Operation switch
    {
        "create" => await CreateAsync(request, cancellationToken),
        "get" => await GetAsync(Resolve(Required(request)), cancellationToken),
        "delete" => Delete(Resolve(Required(request))),
        _ => List(request.Metadata["fileName"] is { Length: > 0 } folder ? Resolve(folder) : _root.Path),
    };

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<BindingResponse> CreateAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var path = Resolve(request.Metadata["fileName"] is { Length: > 0 } name ? name : Guid.NewGuid().ToString());
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous))
            {
                await file.WriteAsync(Content(request), cancellationToken);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        return new BindingResponse(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["fileName"] = path }), ComponentMetadata.Empty);
    }

    private static async Task<BindingResponse> GetAsync(string path, CancellationToken cancellationToken) => File.Exists(path)
        ? new BindingResponse(await File.ReadAllBytesAsync(path, cancellationToken), ComponentMetadata.Empty, "application/octet-stream")
        : throw new BindingException("file not found");

    private static BindingResponse Delete(string path)
    {
        // .NET takes a missing file for deleted, and a missing folder for an error.
        if (File.Exists(path))
        {
            File.Delete(path);
        }

        return BindingResponse.Empty;
    }

    private static BindingResponse List(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BindingException("directory not found");
        }

        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        return new BindingResponse(JsonSerializer.SerializeToUtf8Bytes(files), ComponentMetadata.Empty);
    }

    private static string Required(BindingRequest request) =>
        request.Metadata["fileName"] is { Length: > 0 } name ? name : throw new BindingException("required metadata not set: fileName");

    private string Resolve(string name) => _root.Resolve(name, "fileName");

    /// <summary>A JSON text is its content, decoded when it is base64; any other JSON is stored as it is.</summary>
    private static ReadOnlyMemory<byte> Content(BindingRequest request)
    {
        var content = request.Content();
        // .NET skips blanks that base64 does not have: a sentence of words is not base64.
        if (content.IsEmpty || content.Equals(request.Data) || content.Span.ContainsAny((byte)' ', (byte)'\t'))
        {
            return content;
        }

        var text = Encoding.UTF8.GetString(content.Span);
        var buffer = new byte[text.Length];
        return Convert.TryFromBase64String(text, buffer, out var length) ? buffer.AsMemory(0, length) : content;
    }
}
