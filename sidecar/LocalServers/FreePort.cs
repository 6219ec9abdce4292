using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace LocalServers;

/// <summary>
/// A port nobody listens on, below the ranges from which systems take the local ports of outgoing connections: a client that dials a server
/// which is down must not be given the server's own port, or it talks to itself and the server cannot come back. Not the ports of the launcher's
/// apps either, which begin at 20000.
/// </summary>
public static class FreePort
{
    private const int First = 10_100;
    private const int Last = 20_000;

    /// <summary>Chooses one at random.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            if (IsFree(port))
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
}
