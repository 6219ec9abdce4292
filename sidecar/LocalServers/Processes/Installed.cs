namespace LocalServers.Processes;

/// <summary>Where programs are.</summary>
internal static class Installed
{
    /// <summary>Beyond PATH, which has no sbin for ordinary users on Debian.</summary>
    private static readonly string[] Folders = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"];

    /// <summary>Full path of a program, or null.</summary>
    public static string? Find(string name) => name.Contains('/')
        ? File.Exists(name) ? name : null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(Folders)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
