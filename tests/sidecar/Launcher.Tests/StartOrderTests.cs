using Launcher.Run;
using Launcher.Templates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Launcher.Tests;

/// <summary><c>dependsOn</c>: who starts when.</summary>
public sealed class StartOrderTests
{
    [Fact]
    public async Task An_app_starts_when_those_it_waits_for_are_ready_and_the_table_says_so()
    {
        var health = new HealthApp();
        await using var server = await health.StartAsync();
        await using var run = new LaunchedRun();
        run.Template(
            LaunchedRun.Shell("late", "echo late begins; exec sleep 1000", "dependsOn: [server, other],"),
            LaunchedRun.Shell("other", "exec sleep 1000"),
            $"appID: server, appPort: {health.Port}");
        run.Start();
        await health.Asked.WaitAsync(LaunchedRun.Patience);
        await run.UntilAsync(() => run.PidOf("other#0") != 0, "other waits for nobody");
        Assert.Equal(0, run.PidOf("late#0"));

        health.Ready = true;

        Assert.Matches(@"late#0 +- +\d+ +\d+ +\d+ ms +server, other", await run.SeesAsync("ready: 2 apps"));
        await run.SeesAsync("late begins");
    }

    /// <summary>An app that programs made elsewhere are like: it knows no /healthz/ready.</summary>
    [Fact]
    public async Task An_app_without_a_health_route_is_ready_as_soon_as_it_answers()
    {
        var health = new HealthApp { Status = 404 };
        await using var server = await health.StartAsync();
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("late", "exec sleep 1000", "dependsOn: [server],"), $"appID: server, appPort: {health.Port}");
        run.Start();

        await run.SeesAsync("ready: 1 apps");
    }

    [Fact]
    public async Task An_app_with_a_health_check_is_ready_when_that_succeeds()
    {
        var health = new HealthApp { Path = "/alive", Status = 404 };
        await using var server = await health.StartAsync();
        await using var run = new LaunchedRun();
        run.Template(
            LaunchedRun.Shell("late", "exec sleep 1000", "dependsOn: [server],"),
            $"appID: server, appPort: {health.Port}, enableAppHealthCheck: true, appHealthCheckPath: /alive");
        run.Start();
        await health.Asked.WaitAsync(LaunchedRun.Patience);
        await run.UntilAsync(() => File.Exists(run.Data.State), "the run has begun");
        Assert.Equal(0, run.PidOf("late#0"));

        health.Ready = true;

        await run.SeesAsync("ready: 1 apps");
    }

    [Fact]
    public void Says_who_is_late_and_whom_the_others_wait_for()
    {
        using var readiness = new Readiness(TimeProvider.System);
        var graph = new StartGraph([Instance("second", 1, "first"), Instance("first", 2)], readiness, TimeProvider.System);

        Assert.Equal(["second#0 (waits for first#0)", "first#0"], graph.Late());
    }

    private static PlannedInstance Instance(string id, int port, params string[] dependsOn) => new(
        new TemplateApp
        {
            AppId = id,
            Directory = "/",
            Command = ["true"],
            Env = new Dictionary<string, string>(),
            ResourcesPaths = [],
            DependsOn = dependsOn,
        },
        0, AppPort: null, port, port, "", "");

    /// <summary>A server that this test runs: the launcher only watches it, as it does an app that a debugger started.</summary>
    private sealed class HealthApp
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Path { get; init; } = "/healthz/ready";

        public int Status { get; init; } = 503;

        public volatile bool Ready;

        public Task Asked => _asked.Task;

        public int Port { get; private set; }

        public async Task<WebApplication> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            app.MapGet(Path, () =>
            {
                _asked.TrySetResult();
                return Results.StatusCode(Ready ? 200 : Status);
            });
            await app.StartAsync();
            Port = new Uri(app.Urls.Single()).Port;
            return app;
        }
    }
}
