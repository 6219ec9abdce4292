using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dashboard;

/// <summary>The dashboard of one run: a page and what it reads, on 127.0.0.1 for the person who holds the address with its token.</summary>
internal sealed class DashboardServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DashboardServer(WebApplication app, Uri address) => (_app, Address) = (app, address);

    /// <summary>What to open; it holds the token.</summary>
    public Uri Address { get; }

    /// <summary>Starts it. Throws <see cref="IOException"/> when the port is taken.</summary>
    /// <param name="dataDirectory">The run's data directory; it need not exist yet.</param>
    /// <param name="port">0 is a free one.</param>
    public static async Task<DashboardServer> StartAsync(string dataDirectory, int port)
    {
        // Not the working directory: the settings of another program are there.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
            EnvironmentName = "Production",
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders().AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.AddSingleton(new RunFolder(dataDirectory)).AddSingleton<Sidecars>();

        var app = builder.Build();
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var pages = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "pages"));
        app.UseOwnerOnly(token);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = pages });
        app.UseStaticFiles(new StaticFileOptions { FileProvider = pages });
        app.MapRun();
        app.MapWorkflows();
        app.MapLogs();
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new DashboardServer(app, new Uri($"{app.Urls.Single()}/?token={token}"));
    }

    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
