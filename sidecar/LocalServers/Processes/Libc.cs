using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LocalServers.Processes;

/// <summary>The system calls that .NET has no call for.</summary>
internal static class Libc
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public static readonly int SigStop = OperatingSystem.IsLinux() ? 19 : 17;
    public static readonly int SigCont = OperatingSystem.IsLinux() ? 18 : 19;

    /// <summary>Sends a signal; a process that is gone is no error.</summary>
    public static void Signal(int pid, int signal) => _ = kill(pid, signal);

    /// <summary>Sends a signal to a process group; false when it has no process (any more).</summary>
    public static bool SignalGroup(int leader, int signal) => kill(-leader, signal) == 0;

    /// <summary>Whether a process with this id exists, whoever owns it.</summary>
    public static bool Exists(int pid) => kill(pid, 0) == 0 || Marshal.GetLastPInvokeError() == NotPermitted;

    /// <summary>Text of a small file, also while another process holds the .NET file lock on it; empty when it cannot be read.</summary>
    public static string ReadUnlocked(string path)
    {
        using var handle = open(path, ReadOnly);
        if (handle.IsInvalid)
        {
            return "";
        }

        using var reader = new StreamReader(new FileStream(handle, FileAccess.Read));
        return reader.ReadToEnd();
    }

    private const int ReadOnly = 0;
    private const int NotPermitted = 1;

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc", SetLastError = true)]
    private static extern SafeFileHandle open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
