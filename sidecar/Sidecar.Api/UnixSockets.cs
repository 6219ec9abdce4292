using System.Globalization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sidecar.Abstractions;
using Sidecar.Api.Http;
using Sidecar.Runtime;

namespace Sidecar.Api;

/// <summary>
/// Sockets in the file system beside an instance's ports (<c>unixDomainSocket</c>, dapr/config §6), named as daprd names them:
/// <c>dapr-APPID-http.socket</c> and <c>dapr-APPID-grpc.socket</c>; replicas after the first have their number behind the app id.
/// </summary>
internal static class UnixSockets
{
    /// <param name="kestrel">The server.</param>
    /// <param name="instance">Nothing happens when it has no folder for sockets.</param>
    /// <param name="app">The instance, once it is loaded.</param>
    public static void Listen(KestrelServerOptions kestrel, SidecarInstance instance, Func<AppInstance> app)
    {
        if (instance.UnixDomainSocket is not { } folder)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        foreach (var isGrpc in (bool[])[false, true])
        {
            var path = Path.Combine(folder, FileName(instance, isGrpc));

            // What a killed sidecar left behind would be in use for ever.
            File.Delete(path);
            kestrel.ListenUnixSocket(path, listen =>
            {
                listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    connection.Items[typeof(PortOwner)] = new PortOwner(app(), isGrpc);
                    return next(connection);
                });
            });
        }
    }

    private static string FileName(SidecarInstance instance, bool isGrpc) => string.Create(
        CultureInfo.InvariantCulture, $"dapr-{instance.AppId}{(instance.Index == 0 ? "" : $"-{instance.Index}")}-{(isGrpc ? "grpc" : "http")}.socket");
}
