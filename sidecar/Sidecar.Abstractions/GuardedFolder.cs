namespace Sidecar.Abstractions;

/// <summary>A folder that names from requests cannot leave: neither by <c>..</c> nor through a link.</summary>
/// <param name="root">The folder's absolute path.</param>
/// <param name="setting">The metadata that names the folder, for the message of a refusal.</param>
public sealed class GuardedFolder(string root, string setting)
{
    private static readonly string[] SystemFolders = ["/etc", "/proc", "/sys", "/dev", "/bin", "/sbin", "/usr", "/boot"];

    /// <summary>Its absolute path.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(root);

    /// <summary>The folder that metadata names, relative to the folder of dapr.yaml; folders of the system are refused.</summary>
    public static GuardedFolder From(ComponentContext context, string setting)
    {
        var folder = new GuardedFolder(System.IO.Path.Combine(context.BaseDirectory, context.Metadata.Required(setting)), setting);
        return folder.Path == System.IO.Path.GetPathRoot(folder.Path) || SystemFolders.Any(system => IsBelow(folder.Path, system))
            ? throw new ComponentException($"{setting} must not be the system directory {folder.Path}")
            : folder;
    }

    /// <summary>The absolute path of a name below the folder; <see cref="BindingException"/> for one that leads outside or through a link.</summary>
    /// <param name="name">A relative path; a leading slash means the folder.</param>
    /// <param name="field">What the request calls the name.</param>
    public string Resolve(string name, string field)
    {
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, name.TrimStart('/')));
        if (!IsBelow(path, Path))
        {
            throw new BindingException($"{field} leads outside of {setting}");
        }

        // Links below the folder are never followed: none of the steps may be one.
        for (var step = path; step.Length > Path.Length; step = System.IO.Path.GetDirectoryName(step)!)
        {
            if (new FileInfo(step).LinkTarget is not null)
            {
                throw new BindingException($"{field} leads through a link");
            }
        }

        return path;
    }

    private static bool IsBelow(string path, string root) => path == root || path.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);
}
