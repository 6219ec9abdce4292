using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace LocalServers;

/// <summary>
/// A port nobody listens on, below the ranges from which systems take the local ports of outgoing connections: a client that dials a server
/// which is down must not be given the server's own port, or it talks to itself and the server cannot come back. Not the ports of the launcher's
/// apps either, which begin at 20000. One that was chosen is not chosen again for long: who asked for it may not listen on it yet.
/// </summary>
public static class FreePort
{
    private const int First = 10_100;
    private const int Last = 20_000;

    /// <summary>Of those that this process has chosen; the oldest is forgotten first.</summary>
    private const int Remembered = 4_000;

    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Chosen = [];
    private static readonly Queue<int> Order = new();

    /// <summary>Chooses one at random that it has not chosen lately.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            if (IsFree(port) && Remember(port))
            {
                return port;
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

    /// <summary>False when this process has chosen it lately.</summary>
    private static bool Remember(int port)
    {
        lock (Gate)
        {
            if (!Chosen.Add(port))
            {
                return false;
            }

            Order.Enqueue(port);
            if (Order.Count > Remembered)
            {
                Chosen.Remove(Order.Dequeue());
            }

            return true;
        }
    }
}
