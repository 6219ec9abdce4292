using Launcher.Data;

namespace Launcher.Run;

/// <summary>
/// The component files of a run. They name the data directory <c>.data/</c>, relative to dapr.yaml. With another data directory the run reads
/// copies that name it instead, as with another address of a server.
/// </summary>
/// <param name="data">Of the run.</param>
/// <param name="elsewhere">Whether that is another one than <c>.data</c>.</param>
/// <param name="rewrite">More to change in the text of a file, or null.</param>
/// <param name="copies">Folder of the copies below <c>run/</c>.</param>
internal sealed class ComponentFolders(DataDirectory data, bool elsewhere, Func<string, string>? rewrite = null, string copies = "components")
{
    private readonly Dictionary<string, string> _copies = [];
    private string? _standard;

    /// <param name="folders">Empty: the standard components.</param>
    public IReadOnlyList<string> Resolve(IReadOnlyList<string> folders) =>
        folders.Count == 0 ? [_standard ??= StandardSet.Write(data)]
        : elsewhere || rewrite is not null ? [.. folders.Select(Copy)]
        : folders;

    private string Copy(string folder)
    {
        if (_copies.TryGetValue(folder, out var copy))
        {
            return copy;
        }

        var root = Path.Combine(data.Run, copies);
        if (_copies.Count == 0 && Directory.Exists(root))
        {
            Directory.Delete(root, recursive: true);
        }

        copy = Path.Combine(root, $"{_copies.Count}-{Path.GetFileName(folder)}");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".yaml" or ".yml"))
        {
            var text = File.ReadAllText(file).Replace(".data/", data.Root + "/", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(copy, Path.GetFileName(file)), rewrite?.Invoke(text) ?? text);
        }

        _copies[folder] = copy;
        return copy;
    }
}
