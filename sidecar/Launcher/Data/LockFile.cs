namespace Launcher.Data;

/// <summary>A file that one process holds. The lock belongs to the open file, so it ends with the process however that ends.</summary>
internal static class LockFile
{
    /// <summary>Opens and locks the file, or null when another process holds it. Any other failure is told as it is.</summary>
    public static FileStream? TryTake(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception.HResult is 11 or 35 or unchecked((int)0x80070020))
        {
            // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows.
            return null;
        }
    }
}
