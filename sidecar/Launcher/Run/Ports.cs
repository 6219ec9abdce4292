using System.Globalization;
using System.Security.Cryptography;
using Launcher.Data;
using LocalServers;

namespace Launcher.Run;

/// <summary>
/// Chooses the ports of a run. They stay the same until its end, also over restarts, and belong to this run from the choice on: nobody
/// listens on a port before its app has started, so another run that starts at the same time would take it too, and one platform
/// would talk to the apps of the other.
/// </summary>
internal sealed class Ports : IDisposable
{
    // Below the ranges from which systems take the local ports of outgoing connections (Linux 32768-, macOS 49152-): while a process is
    // restarted nobody can be given its port by accident.
    private const int FirstFree = 20_000;
    private const int LastFree = 32_000;

    // One file per port, locked as long as the run lives, however it ends. They are never deleted: who deletes a lock file can delete
    // it under one who has just opened it.
    private static readonly string Claims = Path.Combine(Path.GetTempPath(), $"tandem-ports-{Environment.UserName}");

    private readonly Dictionary<int, FileStream> _taken = [];
    private int _next = RandomNumberGenerator.GetInt32(FirstFree, LastFree);

    /// <summary>Takes this port; false when another process listens on it, or it is part of this run or of another one of this user.</summary>
    public bool TryTake(int port)
    {
        if (_taken.ContainsKey(port) || Claim(port) is not { } claim)
        {
            return false;
        }

        if (!FreePort.IsFree(port))
        {
            claim.Dispose();
            return false;
        }

        _taken.Add(port, claim);
        return true;
    }

    /// <summary>Takes a port nobody listens on.</summary>
    public int TakeFree()
    {
        for (var tries = FirstFree; tries <= LastFree; tries++)
        {
            _next = _next >= LastFree ? FirstFree : _next + 1;
            if (TryTake(_next))
            {
                return _next;
            }
        }

        throw new LauncherException($"no free port between {FirstFree} and {LastFree}");
    }

    public void Dispose()
    {
        foreach (var claim in _taken.Values)
        {
            claim.Dispose();
        }

        _taken.Clear();
    }

    private static FileStream? Claim(int port)
    {
        Directory.CreateDirectory(Claims, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return LockFile.TryTake(Path.Combine(Claims, port.ToString(CultureInfo.InvariantCulture)));
    }
}
