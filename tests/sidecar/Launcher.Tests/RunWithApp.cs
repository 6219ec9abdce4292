using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Launcher.Tests;

/// <summary>A run one of whose apps is this process.</summary>
internal sealed class RunWithApp : IAsyncDisposable
{
    private WebApplication? _app;

    /// <summary>The run.</summary>
    public LaunchedRun Run { get; } = new();

    /// <summary>Starts the app with its routes, then the run, and waits for a line of its output.</summary>
    public async Task StartAsync(string appId, Action<WebApplication> map, string ready, params string[] others)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        map(_app);
        await _app.StartAsync();
        Run.Template([$"appID: {appId}, appPort: {new Uri(_app.Urls.Single()).Port}", .. others]);
        Run.Start();
        await Run.SeesAsync(ready);
    }

    public async ValueTask DisposeAsync()
    {
        await Run.DisposeAsync();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
