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
    private string _root = "";

    public IReadOnlyList<string> Operations { get; } = ["create", "get", "delete", "list"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _root = Path.GetFullPath(Path.Combine(context.BaseDirectory, context.Metadata.Required("rootPath")));
        if (_root == Path.GetPathRoot(_root) || new[] { "/etc", "/proc", "/sys", "/dev", "/bin", "/sbin", "/usr", "/boot" }.Any(system => IsBelow(_root, system)))
        {
            throw new ComponentException($"rootPath must not be the system directory {_root}");
        }

        Directory.CreateDirectory(_root);
        return Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken) => request.Operation switch
    {
        "create" => await CreateAsync(request, cancellationToken),
        "get" => await GetAsync(Resolve(Required(request)), cancellationToken),
        "delete" => Delete(Resolve(Required(request))),
        _ => List(request.Metadata["fileName"] is { Length: > 0 } folder ? Resolve(folder) : _root),
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
                await file.WriteAsync(Content(request.Data), cancellationToken);
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
        File.Delete(path);
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

    /// <summary>The path below the root; names that lead outside or through a link are refused.</summary>
    private string Resolve(string name)
    {
        var path = Path.GetFullPath(Path.Combine(_root, name.TrimStart('/')));
        if (!IsBelow(path, _root))
        {
            throw new BindingException("fileName leads outside of rootPath");
        }

        // Links below the root are never followed: none of the steps may be one.
        for (var step = path; step.Length > _root.Length; step = Path.GetDirectoryName(step)!)
        {
            if (new FileInfo(step).LinkTarget is not null)
            {
                throw new BindingException("fileName leads through a link");
            }
        }

        return path;
    }

    private static bool IsBelow(string path, string root) => path == root || path.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);

    /// <summary>A JSON text is its content, decoded when it is base64; any other JSON is stored as it is.</summary>
    private static byte[] Content(ReadOnlyMemory<byte> data)
    {
        if (data.Length == 0 || data.Span[0] != (byte)'"')
        {
            return data.ToArray();
        }

        var text = JsonSerializer.Deserialize<string>(data.Span)!;
        var buffer = new byte[text.Length];
        // .NET skips blanks that base64 does not have: a sentence of words is not base64.
        return text.Length > 0 && !text.AsSpan().ContainsAny(' ', '\t') && Convert.TryFromBase64String(text, buffer, out var length) ? buffer[..length] : Encoding.UTF8.GetBytes(text);
    }
}
