using System.Diagnostics;
using System.Text.Json;
using Dapr.Workflow;
using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;
using TestServers;

namespace Sidecar.Workflows.Tests;

/// <summary>The sidecar as a process of its own, killed while workflows run.</summary>
public sealed class KillTests
{
    private const int Workflows = 30;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Workflows_survive_kill_9_of_the_sidecar_and_of_its_Redis(bool redis)
    {
        await using var server = redis ? await Servers.NewRedisAsync() : null;
        var directory = Directory.CreateTempSubdirectory("tandem-kill-").FullName;
        Process? sidecar = null;
        try
        {
            var (runFile, address) = WriteRun(directory, server?.Address);
            sidecar = await StartAsync(runFile, address);
            using var app = EndToEndTests.BuildApp(address);
            await app.StartAsync();
            var client = app.Services.GetRequiredService<DaprWorkflowClient>();
            using var hub = new TaskHubClient(address);
            var ids = Enumerable.Range(0, Workflows).Select(i => $"order-{i}").ToList();

            // A start that is not acknowledged is repeated, as the apps do; an existing instance is success.
            var starting = Task.WhenAll(ids.Select(id => PersistAsync(async () =>
            {
                if (await hub.GetAsync(id) is null)
                {
                    await hub.StartAsync(nameof(EndToEndTests.Order), "20", id);
                }
            })));
            for (var kill = 0; kill < 2; kill++)
            {
                // First while workflows are being started, then when the first one waits for its event.
                var far = kill == 0 ? (Func<Tandem.Protocol.Workflows.WorkflowState?, bool>)(state => state is not null) : state => state?.CustomStatus is { Length: > 0 };
                await PersistAsync(async () =>
                {
                    if (!(await Task.WhenAll(ids.Select(id => hub.GetAsync(id)))).Any(far))
                    {
                        throw new GrpcException(GrpcStatusCode.Unavailable, "none has come far enough");
                    }
                });
                sidecar.Kill();
                await sidecar.WaitForExitAsync();
                sidecar.Dispose();
                if (server is not null)
                {
                    await server.KillAsync();
                    await server.RestartAsync();
                }

                sidecar = await StartAsync(runFile, address);
            }

            await starting;
            foreach (var id in ids)
            {
                await PersistAsync(() => hub.RaiseAsync(id, "approve", "2"));
            }

            foreach (var id in ids)
            {
                await PersistAsync(async () => Assert.Equal("34", (await hub.WaitAsync(id))!.Output));
                HistoryCheck.Valid(await hub.HistoryAsync(id));
            }

            await app.StopAsync();
        }
        finally
        {
            sidecar?.Kill();
            sidecar?.WaitForExit();
            sidecar?.Dispose();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task PersistAsync(Func<Task> operation)
    {
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        while (true)
        {
            try
            {
                await operation();
                return;
            }
            catch (GrpcException exception) when (exception.StatusCode == GrpcStatusCode.AlreadyExists)
            {
                return;
            }
            catch (GrpcException exception) when (exception.StatusCode is GrpcStatusCode.Unavailable or GrpcStatusCode.Internal or GrpcStatusCode.Unknown or GrpcStatusCode.Cancelled)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }

    private static async Task<Process> StartAsync(string runFile, Uri address)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Sidecar.Host.dll"));
        start.ArgumentList.Add("--run");
        start.ArgumentList.Add(runFile);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var client = new TaskHubClient(address);
        await PersistAsync(() => client.GetAsync("nobody"));
        return process;
    }

    private static (string RunFile, Uri Address) WriteRun(string directory, string? redisHost)
    {
        var resources = Directory.CreateDirectory(Path.Combine(directory, "components")).FullName;
        File.WriteAllText(Path.Combine(resources, "statestore.yaml"), $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: statestore
            spec:
              type: {{(redisHost is null ? "state.tandem" : "state.redis")}}
              version: v1
              metadata:
                - name: actorStateStore
                  value: "true"
                - name: {{(redisHost is null ? "fsync" : "redisHost")}}
                  value: "{{redisHost ?? "true"}}"
            """);
        var grpcPort = FreePort.Next();
        var run = new SidecarRun
        {
            DataDirectory = Path.Combine(directory, ".data"),
            BaseDirectory = directory,
            LogLevel = "warn",
            Instances = [new SidecarInstance { AppId = EngineHost.AppId, HttpPort = FreePort.Next(), GrpcPort = grpcPort, ResourcesPaths = [resources] }],
        };
        Directory.CreateDirectory(run.DataDirectory);
        var file = Path.Combine(directory, "run.json");
        File.WriteAllText(file, JsonSerializer.Serialize(run, SidecarRun.JsonOptions));
        return (file, new Uri($"http://127.0.0.1:{grpcPort}"));
    }
}
