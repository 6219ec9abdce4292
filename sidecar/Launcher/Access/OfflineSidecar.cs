using System.Text.Json;
using Launcher.Data;
using Launcher.Logs;
using Launcher.Processes;
using Launcher.Run;
using Launcher.Servers;
using LocalServers.Processes;
using Sidecar.Abstractions;

namespace Launcher.Access;

/// <summary>
/// A sidecar for one app whose run is not there. It holds the data directory as a run does, knows no port of the app, so nothing is
/// delivered, and ends with the verb.
/// </summary>
internal sealed class OfflineSidecar : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private readonly RunLock _runLock;
    private readonly Ports _ports = new();
    private readonly Guard _guard = new();
    private readonly TimeProvider _time;
    private readonly ProcessLog _log;
    private readonly string _file;
    private Child? _child;

    private OfflineSidecar(RunLock runLock, DataDirectory data, SidecarInstance instance, TimeProvider time)
    {
        (_runLock, _time) = (runLock, time);
        _file = Path.Combine(data.Run, "offline.json");
        _log = new LogMerger(TextWriter.Null, colour: false, data.Logs).Open("offline", "offline.log", onConsole: false);
        Instance = instance with { Index = 0, AppPort = null, HttpPort = _ports.TakeFree(), GrpcPort = _ports.TakeFree(), MetricsPort = null };
    }

    public SidecarInstance Instance { get; }

    /// <summary>Takes over the lock, also when it fails.</summary>
    public static async Task<OfflineSidecar> StartAsync(
        RunLock runLock, DataDirectory data, Func<(SidecarRun Run, SidecarInstance Instance)> choose, TimeProvider time, CancellationToken cancellationToken)
    {
        OfflineSidecar? sidecar = null;
        try
        {
            var (run, instance) = choose();
            sidecar = new OfflineSidecar(runLock, data, instance, time);
            await sidecar.StartAsync(data, run, cancellationToken);
            return sidecar;
        }
        catch
        {
            if (sidecar is null)
            {
                runLock.Dispose();
            }
            else
            {
                await sidecar.DisposeAsync();
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null)
        {
            await _child.StopAsync(StopGrace, _time, CancellationToken.None);
            _child.Dispose();
        }

        File.Delete(_file);
        _guard.Dispose();
        _log.Dispose();
        _ports.Dispose();
        _runLock.Dispose();
    }

    private async Task StartAsync(DataDirectory data, SidecarRun run, CancellationToken cancellationToken)
    {
        await Leftovers.GoneAsync(data, _time, cancellationToken);
        var host = await Builder.ProgramAsync(data, Repository.SidecarProject, cancellationToken);
        PrivateFile.Write(_file, JsonSerializer.SerializeToUtf8Bytes(run with { Instances = [Instance], ServerWait = TimeSpan.Zero }, SidecarRun.JsonOptions));
        _child = Child.Run(new ChildSpec(["dotnet", host, "--run", _file], run.BaseDirectory, RunPlan.CommonEnvironment(RunServers.RunningIn(data))), _guard, _log);
        using var readiness = new Readiness(_time);
        var ready = readiness.SidecarAsync(Instance.HttpPort, cancellationToken).WaitAsync(ReadyLimit, _time, cancellationToken);
        if (await Task.WhenAny(ready, _child.Exited) != ready)
        {
            throw new LauncherException($"the sidecar of {Instance.AppId} does not start: {_log.TakeTail().LastOrDefault() ?? (await _child.Exited).ToString()}");
        }

        try
        {
            await ready;
        }
        catch (TimeoutException)
        {
            throw new LauncherException($"the sidecar of {Instance.AppId} is not ready: see {_log.Path}");
        }
    }
}
