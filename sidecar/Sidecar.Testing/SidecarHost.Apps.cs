using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Sidecar.Abstractions;

namespace Sidecar.Testing;

public sealed partial class SidecarHost
{
    /// <summary>
    /// Adds an instance of an app that somebody else starts. With a port, the app listens there on 127.0.0.1, now or later. Without one
    /// the host finds a port and keeps it (<see cref="SidecarApp.AppPort"/>): give it to the app with
    /// <see cref="SidecarHosting.UseSidecar(IWebHostBuilder, SidecarApp)"/>. Wait for the app with <see cref="SidecarApp.ReadyAsync"/>.
    /// </summary>
    public async Task<SidecarApp> AddAppAsync(string appId, int? port = null, CancellationToken cancellationToken = default)
    {
        var reserved = port is null ? new ReservedPort() : null;
        try
        {
            var app = await AddAppAsync(appId, port ?? reserved!.Number, reserved, cancellationToken);
            if (port is not null)
            {
                app.Watch();
            }

            return app;
        }
        catch
        {
            reserved?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Adds an instance of an app that has no port, such as one on a <c>TestServer</c>: calls go to the handler. Give the app the settings of
    /// <see cref="SidecarApp.Environment"/>, then <see cref="SidecarHosting.ServeAsync"/> it.
    /// </summary>
    public async Task<SidecarApp> AddAppAsync(string appId, HttpMessageHandler handler, CancellationToken cancellationToken = default)
    {
        var app = await AddAppAsync(appId, cancellationToken: cancellationToken);
        await app.ServeAsync(handler, cancellationToken);
        return app;
    }

    /// <summary>
    /// Starts an app of the test in this process and waits until it gets its messages: <c>StartAppAsync("orders", app => app.MapPost(…))</c>.
    /// </summary>
    public Task<SidecarApp> StartAppAsync(string appId, Action<WebApplication> map, CancellationToken cancellationToken = default) =>
        StartAppAsync(appId, static _ => { }, map, cancellationToken);

    /// <summary>
    /// Starts an app in this process on a port of its own and waits until it gets its messages. Ports, endpoints and tokens are in its
    /// configuration under the names of the environment variables, so that <c>AddDaprClient()</c> finds them.
    /// </summary>
    public async Task<SidecarApp> StartAppAsync(
        string appId, Action<WebApplicationBuilder> configure, Action<WebApplication> map, CancellationToken cancellationToken = default)
    {
        var added = await AddAppAsync(appId, cancellationToken: cancellationToken);
        added.Starter = async (app, token) =>
        {
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(SidecarHost).Assembly.GetName().Name });
            builder.WebHost.UseSidecar(app);
            configure(builder);
            var web = builder.Build();
            try
            {
                map(web);
                await web.StartAsync(token);
                return web;
            }
            catch
            {
                await web.DisposeAsync();
                throw;
            }
        };
        await added.StartAgainAsync(cancellationToken);
        return added;
    }

    private async Task<SidecarApp> AddAppAsync(string appId, int? port, ReservedPort? reserved, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        var (http, grpc) = ReservedPort.IsKept ? (new ReservedPort(), new ReservedPort()) : default;
        try
        {
            var app = new SidecarApp(this, await AddAsync(new SidecarInstance
            {
                AppId = appId, Index = _apps.Count(other => other.AppId == appId), AppPort = port, HttpPort = http?.Number ?? 0, GrpcPort = grpc?.Number ?? 0,
                ApiToken = NewToken(), AppToken = NewToken(), ResourcesPaths = _resources, ConfigFilePath = _options.ConfigurationFile,
            }, cancellationToken), reserved, [http, grpc]);
            _apps = [.. _apps, app];
            return app;
        }
        catch
        {
            http?.Dispose();
            grpc?.Dispose();
            throw;
        }
        finally
        {
            _changing.Release();
        }

        string? NewToken() => _options.UseTokens ? RandomNumberGenerator.GetHexString(32, lowercase: true) : null;
    }
}
