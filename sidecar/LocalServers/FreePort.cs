using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace LocalServers;

/// <summary>
/// A port nobody listens on, below the ranges from which systems take the local ports of outgoing connections: a client that dials a server
/// which is down must not be given the server's own port, or it talks to itself and the server cannot come back. Not the ports of the launcher's
/// apps either, which begin at 20000. Who asks for one may not listen on it for long (a database is made first), so no process chooses it again soon:
/// a process draws from blocks of ports that it keeps to itself with a locked file.
/// </summary>
public static class FreePort
{
    private const int First = 10_100;
    private const int BlockSize = 100;
    private const int Blocks = 99;

    /// <summary>That one process keeps; then it draws from its oldest again.</summary>
    private const int MaxKept = 20;

    private static readonly Lock Gate = new();
    private static readonly Queue<int> Ports = new();
    private static readonly Queue<int> Kept = new();

    /// <summary>Held until the process ends, however it ends.</summary>
    private static readonly List<FileStream> Locks = [];

    /// <summary>Chooses one that no process of this user has chosen lately.</summary>
    public static int Next()
    {
        lock (Gate)
        {
            while (true)
            {
                if (Ports.Count == 0)
                {
                    Refill();
                }

                var port = Ports.Dequeue();
                if (IsFree(port))
                {
                    return port;
                }
            }
        }
    }

    /// <summary>Whether nobody listens on it on the loopback interface at the moment.</summary>
    public static bool IsFree(int port)
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

    private static void Refill()
    {
        var block = (Kept.Count < MaxKept ? Keep() : null) ?? (Kept.TryDequeue(out var oldest) ? oldest : RandomNumberGenerator.GetInt32(Blocks));
        Kept.Enqueue(block);
        for (var port = First + block * BlockSize; port < First + (block + 1) * BlockSize; port++)
        {
            Ports.Enqueue(port);
        }
    }

    /// <summary>A block that no process keeps, this one included; null when all are kept or none can be.</summary>
    private static int? Keep()
    {
        var folder = Path.Combine(Path.GetTempPath(), "tandem-ports");
        var blocks = Enumerable.Range(0, Blocks).ToArray();
        RandomNumberGenerator.Shuffle(blocks.AsSpan());
        foreach (var block in blocks.Except(Kept))
        {
            try
            {
                Directory.CreateDirectory(folder);
                Locks.Add(new FileStream(Path.Combine(folder, $"{block}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
                return block;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another process or another user keeps it.
            }
        }

        return null;
    }
}
