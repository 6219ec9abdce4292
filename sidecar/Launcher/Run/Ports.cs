using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Launcher.Run;

/// <summary>Chooses the ports of a run. They stay the same until its end, also over restarts.</summary>
internal sealed class Ports
{
    // Below the ranges from which systems take the local ports of outgoing connections (Linux 32768-, macOS 49152-): while a process is
    // restarted nobody can be given its port by accident.
    private const int FirstFree = 20_000;
    private const int LastFree = 32_000;

    private readonly HashSet<int> _taken = [];
    private int _next = RandomNumberGenerator.GetInt32(FirstFree, LastFree);

    /// <summary>Takes this port; false when another process listens on it or it is already part of the run.</summary>
    public bool TryTake(int port) => !_taken.Contains(port) && IsFree(port) && _taken.Add(port);

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

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
