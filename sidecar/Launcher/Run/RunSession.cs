using System.Globalization;
using System.Text.Json;
using Launcher.Data;
using Launcher.Logs;
using Launcher.Processes;
using Launcher.Templates;
using LocalServers.Processes;
using Sidecar.Abstractions;

namespace Launcher.Run;

/// <summary>The processes of a run from the first start to the last stop: sidecar first, then all apps; back in the other order.</summary>
internal sealed class RunSession : IDisposable
{
    private readonly RunPlan _plan;
    private readonly RunOptions _options;
    private readonly DataDirectory _data;
    private readonly LogMerger _merger;
    private readonly TimeProvider _time;
    private readonly Guard _guard = new();
    private readonly Readiness _readiness;
    private readonly List<ProcessLog> _logs = [];
    private readonly Supervised _sidecar;
    private readonly List<(PlannedInstance Instance, Supervised Process)> _apps = [];
    private readonly StartGraph _graph;
    private readonly TaskCompletionSource _allParked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stateGate = new();

    public RunSession(
        RunPlan plan, RunOptions options, DataDirectory data, LogMerger merger, TimeProvider time,
        ChildSpec sidecar, Func<PlannedInstance, ChildSpec?> appSpec)
    {
        (_plan, _options, _data, _merger, _time) = (plan, options, data, merger, time);
        _readiness = new Readiness(time);
        _sidecar = Supervise("sidecar", "sidecar.log", plan.SidecarLog, sidecar, options with { EndsWithApp = false });
        foreach (var instance in plan.Instances)
        {
            if (appSpec(instance) is { } spec)
            {
                var file = string.Create(CultureInfo.InvariantCulture, $"{instance.App.AppId}-{instance.Index}.log");
                _apps.Add((instance, Supervise(instance.Name, file, instance.App.AppLog, spec)));
            }
        }

        _graph = new StartGraph(plan.Instances, _readiness, time);
    }

    /// <summary>Returns after <paramref name="stop"/>; throws one line when the run cannot go on. Nothing runs any more afterwards.</summary>
    public async Task RunAsync(SidecarRun run, CancellationToken stop, CancellationToken hurry)
    {
        PrivateFile.Write(_data.SidecarRun, JsonSerializer.SerializeToUtf8Bytes(run, SidecarRun.JsonOptions));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var tasks = new List<Task>();
        try
        {
            var begin = _time.GetTimestamp();
            _sidecar.FailsForGood = true;
            tasks.Add(_sidecar.StartAsync());
            await WhileAllRunAsync(tasks, SidecarReadyAsync(over.Token));
            _sidecar.FailsForGood = false;
            tasks.AddRange(_apps.Select(app => _graph.StartAsync(app.Instance, app.Process, over.Token)));
            tasks.Add(new ProcessRequests(_data, _time).WatchAsync([_sidecar, .. _apps.Select(app => app.Process)], over.Token));
            await WhileAllRunAsync(tasks, Task.WhenAny(ReportReadinessAsync(begin, over.Token), _allParked.Task).Unwrap());
            await WhileAllRunAsync(tasks, Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, over.Token), _allParked.Task).Unwrap());
            _merger.Say("every app was stopped: the run ends");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _merger.Say("stopping");
        }
        finally
        {
            await over.CancelAsync();
            _apps.ForEach(app => app.Process.ExpectEnd());
            _sidecar.ExpectEnd();
            await Task.WhenAll(_apps.Select(app => app.Process.StopAsync(hurry)));
            await _sidecar.StopAsync(hurry);
            File.Delete(_data.State);
        }
    }

    public void Dispose()
    {
        _readiness.Dispose();
        _guard.Dispose();
        _logs.ForEach(log => log.Dispose());
    }

    /// <summary>Waits for the work, or throws what a supervision failed with.</summary>
    private static async Task WhileAllRunAsync(List<Task> supervisions, Task work)
    {
        var pending = new List<Task>(supervisions) { work };
        while (true)
        {
            var done = await Task.WhenAny(pending);
            await done;
            if (done == work)
            {
                return;
            }

            pending.Remove(done);
        }
    }

    private async Task SidecarReadyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ReadyTimeout);
        try
        {
            await Task.WhenAll(_plan.Instances.Select(instance => _readiness.SidecarAsync(instance.HttpPort, limit.Token)));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LauncherException(string.Create(
                CultureInfo.InvariantCulture, $"the sidecar is not ready after {_options.ReadyTimeout.TotalSeconds:0} s: see {_sidecar.LogPath}"));
        }
    }

    private async Task ReportReadinessAsync(long begin, CancellationToken cancellationToken)
    {
        var all = _graph.ReadyAsync(_apps.Select(app => app.Instance), cancellationToken);
        try
        {
            await all.WaitAsync(_options.ReadyTimeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            _merger.Warn(string.Create(
                CultureInfo.InvariantCulture, $"not ready after {_options.ReadyTimeout.TotalSeconds:0} s: {string.Join(", ", _graph.Late())}; still waiting"));
        }

        var ready = await all;
        foreach (var line in ReadyTable.Lines(_apps.Zip(ready, (app, at) => (app.Instance, app.Process.Pid, _time.GetElapsedTime(begin, at)))))
        {
            _merger.Say(line);
        }

        _merger.Say($"ready: {_plan.Gateway ?? string.Create(CultureInfo.InvariantCulture, $"{_apps.Count} apps")}");
    }

    private Supervised Supervise(string name, string file, LogDestination destination, ChildSpec spec, RunOptions? options = null)
    {
        var log = _merger.Open(name, file, destination is not LogDestination.File);
        _logs.Add(log);
        var process = new Supervised(name, spec, log, _merger, _guard, _time, options ?? _options);
        process.Changed += OnChanged;
        return process;
    }

    private void OnChanged()
    {
        SaveState();
        if (_apps.Count > 0 && _apps.TrueForAll(app => app.Process.IsParked))
        {
            _allParked.TrySetResult();
        }
    }

    private void SaveState()
    {
        lock (_stateGate)
        {
            new RunState(
                Environment.ProcessId,
                _plan.Gateway,
                [
                    .. _apps.Select(app => new RunProcess(
                        app.Instance.Name, app.Instance.App.AppId, app.Instance.Index, app.Process.Pid,
                        app.Instance.AppPort, app.Instance.HttpPort, app.Instance.GrpcPort, app.Process.LogPath)
                    {
                        Command = string.Join(' ', app.Instance.App.Command),
                        Started = app.Process.StartedAt,
                    }),
                    new RunProcess(_sidecar.Name, null, null, _sidecar.Pid, null, null, null, _sidecar.LogPath) { Started = _sidecar.StartedAt },
                ])
            {
                Template = _plan.Template,
                Name = _plan.Name,
            }.Save(_data);
        }
    }
}
