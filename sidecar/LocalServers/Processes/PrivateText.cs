namespace LocalServers.Processes;

/// <summary>Files that may hold a password.</summary>
internal static class PrivateText
{
    /// <summary>Mode 0600 from the first byte on.</summary>
    public static void Write(string path, string content)
    {
        File.Delete(path);
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(stream);
        writer.Write(content);
    }
}
