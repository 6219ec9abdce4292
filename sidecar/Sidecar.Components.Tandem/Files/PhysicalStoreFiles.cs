using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Components.Tandem.Files;

/// <summary>Files of the operating system.</summary>
internal sealed partial class PhysicalStoreFiles : IStoreFiles
{
    public static readonly PhysicalStoreFiles Instance = new();

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public IReadOnlyList<string> List(string directory) => [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];

    public IStoreFile Open(string path, bool create) =>
        new PhysicalFile(File.OpenHandle(path, create ? FileMode.CreateNew : FileMode.Open, FileAccess.ReadWrite, FileShare.Read));

    public void Delete(string path) => File.Delete(path);

    public void Move(string from, string to) => File.Move(from, to, overwrite: true);

    public void FlushDirectory(string path)
    {
        // .NET opens no handle on a folder, and Windows needs none: NTFS journals names.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = OpenFolder(path, 0);
        if (descriptor < 0)
        {
            throw new IOException($"cannot open folder '{path}' to flush it (errno {Marshal.GetLastPInvokeError()})");
        }

        try
        {
            if (Sync(descriptor) != 0)
            {
                throw new IOException($"cannot flush folder '{path}' (errno {Marshal.GetLastPInvokeError()})");
            }
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    public IDisposable Lock(string directory)
    {
        // The operating system drops the lock with the process, however it ends. The pid is for the message only and is kept
        // apart, because a locked file cannot be read everywhere.
        var pidFile = Path.Combine(directory, "pid");
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (IsHeldByAnother(exception) && File.Exists(pidFile))
        {
            throw new StoreInUseException(File.ReadAllText(pidFile).Trim() is { Length: > 0 } pid ? pid : "unknown");
        }

        try
        {
            File.WriteAllText(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows; a full disk or table of files is something else.
    private static bool IsHeldByAnother(IOException exception) => exception.HResult is 11 or 35 or unchecked((int)0x80070020);

    // ENOSPC, EDQUOT of Linux and macOS, ERROR_DISK_FULL of Windows.
    private static bool IsDiskFull(IOException exception) => exception.HResult is 28 or 122 or 69 or unchecked((int)0x80070070);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);

    private sealed class PhysicalFile(SafeFileHandle handle) : IStoreFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> bytes)
        {
            var total = 0;
            while (total < bytes.Length && RandomAccess.Read(handle, bytes[total..], offset + total) is > 0 and var count)
            {
                total += count;
            }

            return total;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(handle, bytes, offset);
            }
            catch (IOException exception) when (IsDiskFull(exception))
            {
                throw new DiskFullException(exception.Message, exception);
            }
        }

        public void Flush() => RandomAccess.FlushToDisk(handle);

        public void Truncate(long length) => RandomAccess.SetLength(handle, length);

        public void Dispose() => handle.Dispose();
    }
}
