using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Components.InMemory;
using Sidecar.Workflows;
using Sidecar.Workflows.Service;
using Tandem.Protocol.Grpc;

namespace Dapr.Workflow.Tests;

/// <summary>The worker on the sidecar's own engine, over a socket.</summary>
public sealed class EngineRoundTripTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Workflow_of_every_kind_of_task_completes()
    {
        await using var app = await App.StartAsync(options =>
        {
            options.RegisterActivity<int, int>("Double", (_, n) => Task.FromResult(n * 2));
            options.RegisterWorkflow<int, int>("Child", async (context, n) =>
            {
                await context.CreateTimer(TimeSpan.FromMilliseconds(1));
                return await context.CallActivityAsync<int>("Double", n);
            });
            options.RegisterWorkflow<int, string>("Parent", async (context, rounds) =>
            {
                var doubled = await Task.WhenAll(Enumerable.Range(1, 5).Select(n => context.CallActivityAsync<int>("Double", n)));
                var child = await context.CallChildWorkflowAsync<int>("Child", doubled.Sum());
                context.SetCustomStatus("waiting");
                var approved = await context.WaitForExternalEventAsync<string>("approve", TimeSpan.FromHours(1));
                if (rounds > 1)
                {
                    context.ContinueAsNew(rounds - 1);
                    return "";
                }

                return $"{child} {approved}";
            });
        });

        await app.Client.ScheduleNewWorkflowAsync("Parent", "p1", 2);
        await app.Client.RaiseEventAsync("p1", "Approve", "first");
        await app.Client.RaiseEventAsync("p1", "approve", "second");
        var state = await app.Client.WaitForWorkflowCompletionAsync("p1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal(WorkflowRuntimeStatus.Completed, state.RuntimeStatus);
        Assert.Equal("60 second", state.ReadOutputAs<string>());
        Assert.True(await app.Client.PurgeInstanceAsync("p1"));
        Assert.False((await app.Client.GetWorkflowStateAsync("p1")).Exists);
    }

    [Fact]
    public async Task Activity_retries_go_through_durable_timers()
    {
        var attempts = 0;
        await using var app = await App.StartAsync(options =>
        {
            options.RegisterActivity<string, int>("Flaky", (_, _) =>
                Interlocked.Increment(ref attempts) < 3 ? throw new InvalidOperationException("again") : Task.FromResult(attempts));
            options.RegisterWorkflow<string, int>("Retrying", (context, _) => context.CallActivityAsync<int>(
                "Flaky", options: new WorkflowTaskOptions(new WorkflowRetryPolicy(5, TimeSpan.FromMilliseconds(1)))));
            options.RegisterWorkflow<string, string>("Failing", (_, _) => throw new FormatException("no"));
        });

        await app.Client.ScheduleNewWorkflowAsync("Retrying", "r1");
        await app.Client.ScheduleNewWorkflowAsync("Failing", "f1");
        var retried = await app.Client.WaitForWorkflowCompletionAsync("r1", cancellation: new CancellationTokenSource(Patience).Token);
        var failed = await app.Client.WaitForWorkflowCompletionAsync("f1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal(3, retried.ReadOutputAs<int>());
        Assert.Equal(WorkflowRuntimeStatus.Failed, failed.RuntimeStatus);
        Assert.True(failed.FailureDetails!.IsCausedBy<FormatException>());
    }

    [Fact]
    public async Task Child_retries_and_patches_go_through_the_history()
    {
        var attempts = 0;
        await using var app = await App.StartAsync(options =>
        {
            options.RegisterWorkflow<string, int>("FlakyChild", (_, _) =>
                Interlocked.Increment(ref attempts) < 3 ? throw new InvalidOperationException("again") : Task.FromResult(attempts));
            options.RegisterActivity<string, string>("Echo", (_, input) => Task.FromResult(input));
            options.RegisterWorkflow<string, string>("Patched", async (context, _) =>
            {
                var first = context.IsPatched("first") ? await context.CallActivityAsync<string>("Echo", "new") : "old";
                var tries = await context.CallChildWorkflowAsync<int>(
                    "FlakyChild", options: new ChildWorkflowTaskOptions(RetryPolicy: new WorkflowRetryPolicy(5, TimeSpan.FromMilliseconds(1))));
                return $"{first} {tries} {context.IsPatched("second")}";
            });
        });

        await app.Client.ScheduleNewWorkflowAsync("Patched", "p1");
        var state = await app.Client.WaitForWorkflowCompletionAsync("p1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal("new 3 True", state.ReadOutputAs<string>());
        Assert.Equal(["first", "second"], await app.PatchesAsync("p1"));
    }

    [Fact]
    public async Task Engine_restart_in_the_middle_of_an_activity_does_not_run_it_again()
    {
        var runs = 0;
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var app = await App.StartAsync(options =>
        {
            options.RegisterActivity<string, string>("Slow", async (_, _) =>
            {
                Interlocked.Increment(ref runs);
                started.TrySetResult();
                await release.Task;
                return "once";
            });
            options.RegisterWorkflow<string, string>("Order", (context, _) => context.CallActivityAsync<string>("Slow"));
        });
        await app.Client.ScheduleNewWorkflowAsync("Order", "o1");
        await started.Task.WaitAsync(Patience);

        await app.RestartEngineAsync();
        release.SetResult();
        var state = await app.Client.WaitForWorkflowCompletionAsync("o1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal("once", state.ReadOutputAs<string>());
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Answers_above_the_message_limit_fail_instead_of_hanging()
    {
        var large = new string('x', 5 * 1024 * 1024);
        await using var app = await App.StartAsync(options =>
        {
            options.RegisterActivity<string, string>("Large", (_, _) => Task.FromResult(large));
            options.RegisterWorkflow<string, string>("LargeOutput", (_, _) => Task.FromResult(large));
            options.RegisterWorkflow<string, string>("LargeResult", (context, _) => context.CallActivityAsync<string>("Large"));
        });

        await app.Client.ScheduleNewWorkflowAsync("LargeOutput", "o1");
        await app.Client.ScheduleNewWorkflowAsync("LargeResult", "r1");
        var output = await app.Client.WaitForWorkflowCompletionAsync("o1", cancellation: new CancellationTokenSource(Patience).Token);
        var result = await app.Client.WaitForWorkflowCompletionAsync("r1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal("PAYLOAD_TOO_LARGE", output.FailureDetails!.ErrorType);
        Assert.Equal(WorkflowRuntimeStatus.Failed, result.RuntimeStatus);
        Assert.Contains("does not take the answer", result.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_worker_leaves_new_work_to_the_others()
    {
        var runs = 0;
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        void Configure(WorkflowRuntimeOptions options)
        {
            options.RegisterActivity<string, string>("Slow", async (_, _) =>
            {
                Interlocked.Increment(ref runs);
                started.TrySetResult();
                await release.Task;
                return "once";
            });
            options.RegisterActivity<int, int>("Double", (_, n) => Task.FromResult(n * 2));
            options.RegisterWorkflow<string, string>("Order", (context, _) => context.CallActivityAsync<string>("Slow"));
            options.RegisterWorkflow<int, int>("Quick", (context, n) => context.CallActivityAsync<int>("Double", n));
        }

        await using var app = await App.StartAsync(Configure);
        await app.Client.ScheduleNewWorkflowAsync("Order", "o1");
        await started.Task.WaitAsync(Patience);
        using var other = await app.StartWorkerAsync(Configure);
        await app.UntilStreamsAsync(2);

        var stop = app.StopWorkerAsync();
        for (var n = 0; n < 20; n++)
        {
            await app.Client.ScheduleNewWorkflowAsync("Quick", $"q{n}", n);
            var quick = await app.Client.WaitForWorkflowCompletionAsync($"q{n}", cancellation: new CancellationTokenSource(Patience).Token);
            Assert.Equal(n * 2, quick.ReadOutputAs<int>());
        }

        Assert.False(stop.IsCompleted);
        release.SetResult();
        await stop.WaitAsync(Patience);
        var order = await app.Client.WaitForWorkflowCompletionAsync("o1", cancellation: new CancellationTokenSource(Patience).Token);
        await other.StopAsync();

        Assert.Equal("once", order.ReadOutputAs<string>());
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Suspend_resume_and_terminate_are_obeyed()
    {
        await using var app = await App.StartAsync(options => options.RegisterWorkflow<string, string>(
            "Order", (context, _) => context.WaitForExternalEventAsync<string>("go")));
        var client = app.Client;

        await client.ScheduleNewWorkflowAsync("Order", "s1");
        await client.SuspendWorkflowAsync("s1");
        Assert.Equal(WorkflowRuntimeStatus.Suspended, (await client.GetWorkflowStateAsync("s1")).RuntimeStatus);
        await client.RaiseEventAsync("s1", "go", "later");
        await client.ResumeWorkflowAsync("s1");
        var resumed = await client.WaitForWorkflowCompletionAsync("s1", cancellation: new CancellationTokenSource(Patience).Token);

        await client.ScheduleNewWorkflowAsync("Order", "t1");
        await client.TerminateWorkflowAsync("t1", "enough");
        var terminated = await client.WaitForWorkflowCompletionAsync("t1", cancellation: new CancellationTokenSource(Patience).Token);

        Assert.Equal("later", resumed.ReadOutputAs<string>());
        Assert.Equal(WorkflowRuntimeStatus.Terminated, terminated.RuntimeStatus);
        Assert.Equal("enough", terminated.ReadOutputAs<string>());
    }

    /// <summary>An app with its worker, and a sidecar whose engine can be replaced on the same store.</summary>
    private sealed class App : IAsyncDisposable
    {
        private readonly WebApplication _sidecar;
        private readonly IStateStore _store;
        private WorkflowEngine _engine;
        private IHost? _host;

        private App(IStateStore store)
        {
            _store = store;
            _engine = NewEngine();
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
            _sidecar = builder.Build();
            _sidecar.MapGrpc(TaskHubSidecarService.Create(_ => _engine));
        }

        public DaprWorkflowClient Client => _host!.Services.GetRequiredService<DaprWorkflowClient>();

        public static async Task<App> StartAsync(Action<WorkflowRuntimeOptions> configure)
        {
            var services = new ServiceCollection().BuildServiceProvider();
            var store = (IStateStore)new ComponentRegistry().AddInMemory().Find("state.in-memory")!(new ComponentContext(
                "store", "state.in-memory", "v1", new ComponentMetadata([]), "app", 0, "", "", services));
            var app = new App(store);
            await app._engine.StartAsync(CancellationToken.None);
            await app._sidecar.StartAsync();
            app._host = await app.StartWorkerAsync(configure);

            // Without a worker the engine does not wait for what a call leads to.
            await app.UntilStreamsAsync(1);
            return app;
        }

        public async Task<IHost> StartWorkerAsync(Action<WorkflowRuntimeOptions> configure)
        {
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            builder.Configuration.AddInMemoryCollection([new("DAPR_GRPC_ENDPOINT", _sidecar.Urls.Single())]);
            builder.Services.AddLogging(logging => logging.ClearProviders());
            builder.Services.AddDaprWorkflow(configure);
            // A worker that stops is to finish what it runs, however long a test keeps that going.
            builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(5));
            var worker = builder.Build();
            await worker.StartAsync();
            return worker;
        }

        public async Task<IEnumerable<string>> PatchesAsync(string instanceId) =>
            (await _engine.GetHistoryAsync(instanceId, CancellationToken.None)).SelectMany(e => e.WorkflowStarted?.Version?.Patches.ToArray() ?? []);

        public Task StopWorkerAsync() => _host!.StopAsync();

        public async Task UntilStreamsAsync(int count)
        {
            using var patience = new CancellationTokenSource(Patience);
            while (_engine.GetStatus().Streams != count)
            {
                await Task.Delay(5, patience.Token);
            }
        }

        public async Task RestartEngineAsync()
        {
            await _engine.DisposeAsync();
            var next = NewEngine();
            await next.StartAsync(CancellationToken.None);
            _engine = next;
        }

        public async ValueTask DisposeAsync()
        {
            await _host!.StopAsync();
            _host.Dispose();
            await _engine.DisposeAsync();
            await _sidecar.DisposeAsync();
        }

        private WorkflowEngine NewEngine() => new(
            "app", _store, WorkflowEngine.DefaultKeyPrefix("app"), new WorkflowEngineOptions(), TimeProvider.System, NullLoggerFactory.Instance);
    }
}
