using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Images.Storage;

/// <summary>
/// Asks Linux to begin writing a part of a file to the disk. It is a hint that speeds up a later fsync, which alone promises anything and tells of failures;
/// other systems go without it.
/// </summary>
internal static partial class WriteBack
{
    private const uint SyncFileRangeWrite = 2;

    public static void Begin(SafeFileHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SyncFileRange(file, offset, length, SyncFileRangeWrite);
        }
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
