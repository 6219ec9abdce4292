using System.Globalization;
using System.Text;
using LocalServers.Processes;

namespace Launcher.Data;

/// <summary>
/// One run per data directory. The lock belongs to the open file, so it ends with the process however that ends; the pid inside is for people.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the lock or throws one line that names the holder.</summary>
    public static RunLock Take(DataDirectory data) => TryTake(data) ?? throw InUse(data);

    public static LauncherException InUse(DataDirectory data) => new(
        $"{data.Root} is in use by the run with pid {Holder(data) ?? "unknown"}: stop it with './daprw stop', or give another --data-dir");

    /// <summary>Takes the lock, or null when another process holds it.</summary>
    public static RunLock? TryTake(DataDirectory data)
    {
        if (!Directory.Exists(data.Root))
        {
            throw new LauncherException($"{data.Root} does not exist: nothing has run there");
        }

        if (LockFile.TryTake(data.Lock) is not { } file)
        {
            return null;
        }

        try
        {
            file.SetLength(0);
            file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            file.Flush();
            return new RunLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Pid of the holder as text, or null.</summary>
    public static string? Holder(DataDirectory data) => Libc.ReadUnlocked(data.Lock).Trim() is { Length: > 0 } pid ? pid : null;

    public void Dispose()
    {
        _file.SetLength(0);
        _file.Dispose();
    }
}
