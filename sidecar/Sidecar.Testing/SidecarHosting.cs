using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sidecar.Testing;

/// <summary>Brings an app of this process and its sidecar together.</summary>
public static class SidecarHosting
{
    /// <summary>
    /// Gives an app its Dapr settings and its port, and takes its log into <see cref="SidecarHost.Logs"/>. For <c>WebApplicationFactory</c>: call this in <c>ConfigureWebHost</c> (or
    /// <c>WithWebHostBuilder</c>), <c>UseKestrel()</c> on the factory, and <c>StartServer()</c>.
    /// </summary>
    public static IWebHostBuilder UseSidecar(this IWebHostBuilder web, SidecarApp app)
    {
        foreach (var (name, value) in app.Environment)
        {
            web.UseSetting(name, value);
        }

        var port = app.Port;
        web.ConfigureLogging(logging => logging.ClearProviders().AddProvider(app.Logger));
        return web.ConfigureServices(services => services
            .Configure<SocketTransportOptions>(port.GiveTo)
            .Configure<KestrelServerOptions>(kestrel => kestrel.Listen(IPAddress.Loopback, port.Number)));
    }

    /// <summary>
    /// Serves the app's port from a handler, such as that of a <c>TestServer</c>, and waits until the app gets its messages. The server ends
    /// with the host.
    /// </summary>
    public static async Task ServeAsync(this SidecarApp app, HttpMessageHandler handler, CancellationToken cancellationToken = default)
    {
        app.Starter = async (target, token) =>
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseSidecar(target);
            var server = builder.Build();
            var client = new HttpMessageInvoker(handler, disposeHandler: false);
            server.Run(http => ForwardAsync(http, client));
            await server.StartAsync(token);
            return server;
        };
        await app.StartAgainAsync(cancellationToken);
    }

    private static async Task ForwardAsync(HttpContext http, HttpMessageInvoker client)
    {
        using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), new UriBuilder("http", "localhost")
        {
            Path = http.Request.Path.ToUriComponent(), Query = http.Request.QueryString.ToUriComponent(),
        }.Uri);
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            request.Content = new StreamContent(http.Request.Body);
        }

        foreach (var (name, values) in http.Request.Headers)
        {
            if (name is not "Host" && !request.Headers.TryAddWithoutValidation(name, values.ToArray()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        using var response = await client.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            if (name is not "Transfer-Encoding")
            {
                http.Response.Headers[name] = values.ToArray();
            }
        }

        await response.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
