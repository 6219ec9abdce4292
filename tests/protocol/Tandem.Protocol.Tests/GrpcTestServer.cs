using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;

namespace Tandem.Protocol.Tests;

/// <summary>A cleartext HTTP/2 listener on a free loopback port.</summary>
internal sealed class GrpcTestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GrpcTestServer(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Urls.Single());
    }

    public Uri Address { get; }

    public static Task<GrpcTestServer> StartAsync(GrpcService service, GrpcServerOptions? options = null, TimeProvider? time = null) =>
        StartAsync(app => app.MapGrpc(service, options), time);

    public static async Task<GrpcTestServer> StartAsync(Action<WebApplication> map, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new GrpcTestServer(app);
    }

    public GrpcChannel Connect(GrpcChannelOptions? options = null) => new(Address, options);

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
