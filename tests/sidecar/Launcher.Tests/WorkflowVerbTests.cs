using System.Text.Json;
using Dapr.Workflow;
using Launcher.Access;
using LocalServers.Processes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Launcher.Tests;

/// <summary><c>daprw workflow …</c> with the app there, with the app away, and with nothing running at all. This process is the app.</summary>
public sealed class WorkflowVerbTests : IAsyncLifetime
{
    private readonly LaunchedRun _run = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // Nobody starts the app, and it has the standard components.
        _run.Template("appID: orders");
        _run.Start();
        await _run.SeesAsync("ready: 0 apps");
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task An_instance_is_started_seen_and_purged_while_its_app_runs_and_after_that()
    {
        using (var worker = await WorkerAsync())
        {
            Assert.Equal("o-1 of orders is started", await OutputAsync("run", "Order", "--instance-id", "o-1", "--input", "20"));
            Assert.Equal("o-1 of orders has event approve", await OutputAsync("raise-event", "o-1/approve", "-x", "2"));
            await worker.Services.GetRequiredService<DaprWorkflowClient>().WaitForWorkflowCompletionAsync("o-1", cancellation: Token).WaitAsync(LaunchedRun.Patience, Token);
        }

        // The app is gone; every verb works on.
        var list = JsonDocument.Parse(await OutputAsync("list", "-o", "json", "-a", "orders")).RootElement[0];
        Assert.Equal(("Order", "o-1", "COMPLETED", "20", "22"), (
            list.GetProperty("name").GetString(), list.GetProperty("instanceID").GetString(), list.GetProperty("status").GetString(),
            list.GetProperty("input").GetString(), list.GetProperty("output").GetString()));
        Assert.Matches(@"(?m)^orders +Order +o-1 +COMPLETED +\d+[sm] +\d+\.\d{3}s$", await OutputAsync("list", "--filter-name", "Order", "--filter-max-age", "1h"));
        Assert.DoesNotContain("o-1", await OutputAsync("list", "-s", "running"), StringComparison.Ordinal);
        var history = await OutputAsync("history", "o-1", "-o", "wide");
        Assert.Matches(@"ExecutionStarted +Order .*20", history);
        Assert.Matches(@"EventRaised +approve .*2", history);
        Assert.Matches(@"ExecutionCompleted .*COMPLETED 22", history);
        Assert.Equal("purged 1 of orders", await OutputAsync("purge", "o-1"));
        Assert.Equal((1, "daprw: no workflow instance 'o-1': './daprw workflow list' shows those that there are"), await RunAsync("purge", "o-1"));
    }

    [Fact]
    public async Task What_waits_for_an_app_that_is_away_can_be_terminated_suspended_and_purged_by_force()
    {
        await OutputAsync("run", "Order", "-i", "stuck", "-x", "1");

        Assert.StartsWith("stuck of orders is ", await OutputAsync("suspend", "stuck", "--reason", "lunch"), StringComparison.Ordinal);
        Assert.StartsWith("stuck of orders is ", await OutputAsync("resume", "stuck"), StringComparison.Ordinal);
        Assert.StartsWith("stuck of orders is ", await OutputAsync("terminate", "stuck"), StringComparison.Ordinal);
        Assert.Equal("purged 1 of orders", await OutputAsync("purge", "stuck", "--force"));
        Assert.Equal("[]", await OutputAsync("list", "-o", "json"));
    }

    [Fact]
    public async Task With_nothing_running_the_data_of_the_last_run_is_read_and_written()
    {
        await OutputAsync("run", "Order", "-i", "left", "-x", "20");
        _run.Signal(Libc.SigTerm);
        Assert.Equal(0, await _run.ExitsAsync());

        Assert.Contains("left", await OutputAsync("list"), StringComparison.Ordinal);
        Assert.Equal("left of orders has event approve; it goes on when its app runs again", await OutputAsync("raise-event", "left/approve", "-x", "1"));
        Assert.Equal("purged 1 of orders", await OutputAsync("purge", "--all-filter-name", "Order", "--all-older-than", "0s", "--force", "--all-filter-status", "PENDING"));
        Assert.Equal("later of orders is started; it goes on when its app runs again", await OutputAsync("run", "Order", "-i", "later", "-x", "1"));
        Assert.Equal(
            (1, "daprw: no app 'ordres' in the run; did you mean 'orders'?; there are orders"), await RunAsync("list", "-a", "ordres"));

        // The next run finds what the verbs left, and no port, process or lock of theirs.
        _run.Start();
        await _run.SeesAsync("ready: 0 apps");
        Assert.Equal("later", JsonDocument.Parse(await OutputAsync("list", "-o", "json")).RootElement.EnumerateArray().Single().GetProperty("instanceID").GetString());
    }

    [Theory]
    [InlineData(2, "--filter-status 'RUNING' is no status; did you mean 'RUNNING'?", "list", "-s", "RUNING")]
    [InlineData(2, "--all-older-than 'yesterday' must be a duration such as 36h or a time such as 2026-01-31T12:00:00Z", "purge", "--all-older-than", "yesterday")]
    [InlineData(2, "give ids, or say which with --all, --all-older-than, --all-filter-name or --all-filter-status", "purge")]
    [InlineData(1, "no workflow instance 'none': './daprw workflow list' shows those that there are", "history", "none")]
    public async Task A_mistake_is_one_line(int code, string problem, params string[] arguments)
    {
        var (actual, output) = await RunAsync(arguments);

        Assert.Equal(code, actual);
        Assert.StartsWith($"daprw: {problem}", Assert.Single(output.Split('\n')), StringComparison.Ordinal);
    }

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => Verb.RunAsync(_run, ["workflow", .. arguments]);

    private Task<string> OutputAsync(params string[] arguments) => Verb.OutputAsync(_run, ["workflow", .. arguments]);

    private async Task<IHost> WorkerAsync()
    {
        var instance = SidecarAccess.ReadRun(_run.Data).Instances.Single();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
            [new("DAPR_GRPC_ENDPOINT", $"http://127.0.0.1:{instance.GrpcPort}"), new("DAPR_API_TOKEN", instance.ApiToken)]);
        builder.Services.AddDaprWorkflow(options => options.RegisterWorkflow<Order>());
        var worker = builder.Build();
        await worker.StartAsync(Token);
        return worker;
    }

    private sealed class Order : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input) => input + await context.WaitForExternalEventAsync<int>("approve");
    }
}
