using System.Net;
using System.Net.Sockets;
using Launcher.Run;

namespace Launcher.Tests;

/// <summary><c>daprw run</c> without a template: one app, its command after <c>--</c>, the flags of <c>dapr run</c>.</summary>
public sealed class OneAppTests
{
    /// <summary>The command finds its sidecar ready, with the standard components, and its end is that of the run.</summary>
    [Fact]
    public async Task A_command_runs_beside_a_sidecar_that_is_ready_before_its_first_line_and_its_exit_code_is_that_of_the_run()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl speaks to the sidecar in this test");
        await using var run = new LaunchedRun();

        run.StartVerb(
            "run", "--no-build", "--app-id", "job", "--dapr-http-port", "0", "--enable-api-logging", "--", "sh", "-c",
            """
            state=http://127.0.0.1:$DAPR_HTTP_PORT/v1.0/state/statestore
            curl -sf -H "dapr-api-token: $DAPR_API_TOKEN" "$state" -d '[{"key":"k","value":"kept"}]' -H content-type:application/json || exit 9
            echo "read $(curl -sf -H "dapr-api-token: $DAPR_API_TOKEN" "$state/k") of $APP_ID"
            exit 3
            """);

        Assert.Equal(3, await run.ExitsAsync());
        Assert.Contains("read \"kept\" of job", run.Output, StringComparison.Ordinal);
        Assert.Contains("API call of job #0: GET /v1.0/state/statestore/k", run.Output, StringComparison.Ordinal);
        Assert.Contains("daprw: job#0 exited with code 3: the run ends with it", run.Output, StringComparison.Ordinal);
        Assert.Equal([], Directory.GetFiles(run.Data.Run, "state.json"));
    }

    [Fact]
    public async Task The_port_flags_are_wishes()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        await using var run = new LaunchedRun();

        run.StartVerb("run", "--no-build", "-a", "job", "-H", $"{port}", "--metrics-port", $"{port}", "--", "sh", "-c", "echo http=$DAPR_HTTP_PORT. metrics=$DAPR_METRICS_PORT.");

        Assert.Equal(0, await run.ExitsAsync());
        Assert.Contains($"Dapr HTTP port {port} of job is taken", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain($"http={port}.", run.Output, StringComparison.Ordinal);
        Assert.Contains($"metrics port {port} of job is taken", run.Output, StringComparison.Ordinal);
        Assert.Matches("metrics=[0-9]+[.]", run.Output);
    }

    [Fact]
    public async Task Runs_that_start_at_the_same_moment_do_not_take_each_others_ports()
    {
        int wish;
        using (var ports = new Ports())
        {
            wish = ports.TakeFree();
        }

        LaunchedRun[] runs = [new(), new(), new()];
        try
        {
            foreach (var run in runs)
            {
                run.StartVerb("run", "--no-build", "-a", "job", "-H", $"{wish}", "-G", $"{wish}", "--", "sh", "-c", "echo http=$DAPR_HTTP_PORT.; exec sleep 1000");
            }

            var chosen = new HashSet<string>();
            foreach (var run in runs)
            {
                chosen.Add((await run.SeesAsync("http=")).Split("http=")[1].Split('.')[0]);
                await run.SeesAsync("ready: 1 apps");
            }

            Assert.Equal(runs.Length, chosen.Count);
        }
        finally
        {
            foreach (var run in runs)
            {
                await run.DisposeAsync();
            }
        }
    }

    [Theory]
    [InlineData(2, "a run has a template (-f) or one app (--app-id and a command after --), not both", "-f", ".", "--app-id", "a")]
    [InlineData(2, "--app-port describes one app: give its --app-id or its command after --", "--app-port", "80")]
    [InlineData(1, "'appPort' must be a port between 1 and 65535; see './daprw run --help'", "--app-id", "a", "--app-port", "70000", "--", "true")]
    [InlineData(1, "dapr.yaml does not exist: give the run template with -f, or an app with --app-id and its command after --")]
    [InlineData(2, "Unrecognized command or argument '--nonsense'. See './daprw run --help'.", "--nonsense")]
    public async Task A_mistake_is_one_line(int code, string problem, params string[] arguments)
    {
        await using var run = new LaunchedRun();

        run.StartVerb(["run", "--no-build", .. arguments]);

        Assert.Equal(code, await run.ExitsAsync());
        Assert.EndsWith(problem, Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }
}
