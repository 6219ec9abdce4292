using System.Net;
using System.Net.Sockets;
using Sidecar.Abstractions;

namespace Sidecar.Api;

/// <summary>Replaces port 0 by a free one.</summary>
internal static class FreePorts
{
    public static SidecarInstance Choose(SidecarInstance instance) => instance with
    {
        HttpPort = instance.HttpPort > 0 ? instance.HttpPort : Free(),
        GrpcPort = instance.GrpcPort > 0 ? instance.GrpcPort : Free(),
    };

    private static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
