using System.Collections.Concurrent;
using System.Diagnostics;
using Dapr.Workflow;
using Load.Sidecars;
using LocalServers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Load;

/// <summary>What <see cref="WorkflowLoad"/> runs.</summary>
/// <param name="Instances">Workflows measured, after some thousands to warm up.</param>
/// <param name="Callers">Callers that each wait for the end of a workflow before they start the next.</param>
/// <param name="Activities">Sequential activities of a workflow.</param>
/// <param name="Tracing">Whether every call makes spans.</param>
/// <param name="PostgreSql">Whether the instances are kept in a private PostgreSQL instead of files.</param>
public sealed record WorkflowLoadOptions(int Instances, int Callers, int Activities, bool Tracing, bool PostgreSql);

/// <summary>
/// Workflows of sequential activities: a sidecar process of its own with the file store or a PostgreSQL in a folder of its own, a worker and
/// its callers in this process, both through the SDK. Prints workflows per second for each thousand, so that a decay shows.
/// </summary>
public static class WorkflowLoad
{
    private const int Block = 1000;
    private const int WarmUp = 5000;

    /// <summary>Runs; 1 when a workflow did not end as it should.</summary>
    public static async Task<int> RunAsync(WorkflowLoadOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("tandem-load-");
        try
        {
            await using var postgres = new PostgresServer(Path.Combine(folder.FullName, "postgresql"));
            var components = SidecarUnderLoad.Resources;
            if (options.PostgreSql)
            {
                if (!OperatingSystem.IsWindows())
                {
                    // The user postgres must be able to reach its data.
                    File.SetUnixFileMode(folder.FullName, folder.UnixFileMode | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
                }

                await postgres.StartAsync(cancellationToken);
                components = Components(await postgres.CreateDatabaseAsync("load", cancellationToken));
            }

            await output.WriteLineAsync($"fsync of 4 KiB before: {await FsyncProbe.MeasureAsync(folder, cancellationToken)}");
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            // The app has no port of its own: its worker is here.
            using var sidecar = await SidecarUnderLoad.StartAsync(folder, apps: 1, SidecarUnderLoad.FreePorts(1)[0], options.Tracing, http, cancellationToken, components);
            using var app = BuildApp(sidecar.GrpcAddress);
            await app.StartAsync(cancellationToken);
            var wrong = await MeasureAsync(app.Services.GetRequiredService<DaprWorkflowClient>(), sidecar, options, output, cancellationToken);
            await app.StopAsync(cancellationToken);
            await output.WriteLineAsync($"fsync of 4 KiB after: {await FsyncProbe.MeasureAsync(folder, cancellationToken)}");
            return wrong == 0 ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<int> MeasureAsync(
        DaprWorkflowClient client, SidecarUnderLoad sidecar, WorkflowLoadOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        var wrong = 0;
        await RunManyAsync(Math.Min(WarmUp, options.Instances / 2));
        var rates = new List<double>();
        for (var done = 0; done < options.Instances; done += Block)
        {
            var cpu = sidecar.ProcessorTime;
            var started = Stopwatch.GetTimestamp();
            var times = await RunManyAsync(Math.Min(Block, options.Instances - done));
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            rates.Add(times.Length / seconds);
            await output.WriteLineAsync(
                $"{done,6} to {done + times.Length,6}: {rates[^1],6:0} workflows/s  p50 {times[times.Length / 2],6:0.0} ms  p95 {times[times.Length * 95 / 100],6:0.0} ms  "
                + $"sidecar {(sidecar.ProcessorTime - cpu).TotalMilliseconds / times.Length:0.00} ms of processor each, {sidecar.ResidentBytes >> 20} MB");
        }

        await output.WriteLineAsync(
            $"workflows of {options.Activities} activities, {options.Callers} callers, durable{(options.Tracing ? ", traced" : "")}: "
            + $"{options.Instances / rates.Sum(rate => Block / rate):0}/s, last thousand {rates[^1] / rates[0] - 1:+0.0 %;-0.0 %} of the first, {wrong} wrong");
        return wrong;

        async Task<double[]> RunManyAsync(int count)
        {
            var left = count;
            var times = new ConcurrentBag<double>();
            await Task.WhenAll(Enumerable.Range(0, options.Callers).Select(_ => Task.Run(
                async () =>
                {
                    while (Interlocked.Decrement(ref left) >= 0)
                    {
                        var started = Stopwatch.GetTimestamp();
                        var id = await client.ScheduleNewWorkflowAsync(nameof(Sequence), input: options.Activities);
                        var state = await client.WaitForWorkflowCompletionAsync(id, cancellation: cancellationToken);
                        times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                        if (state.ReadOutputAs<int>() != options.Activities)
                        {
                            Interlocked.Increment(ref wrong);
                        }
                    }
                },
                cancellationToken)));
            return [.. times.Order()];
        }
    }

    private static string Components(string connectionString) => $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: state}
        spec:
          type: state.postgresql
          version: v2
          initTimeout: 30s
          metadata:
          - {name: actorStateStore, value: "true"}
          - {name: maxConns, value: "16"}
          - {name: connectionString, value: "{{connectionString}}"}
        """;

    private static IHost BuildApp(Uri sidecar)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["DAPR_GRPC_ENDPOINT"] = sidecar.ToString().TrimEnd('/') });
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Sequence>();
            options.RegisterActivity<AddOne>();
        });
        return builder.Build();
    }

    private sealed class Sequence : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input)
        {
            var sum = 0;
            for (var i = 0; i < input; i++)
            {
                sum = await context.CallActivityAsync<int>(nameof(AddOne), sum);
            }

            return sum;
        }
    }

    private sealed class AddOne : WorkflowActivity<int, int>
    {
        public override Task<int> RunAsync(WorkflowActivityContext context, int input) => Task.FromResult(input + 1);
    }
}
