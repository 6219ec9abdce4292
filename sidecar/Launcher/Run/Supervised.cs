using System.Globalization;
using Launcher.Logs;
using Launcher.Processes;
using LocalServers.Processes;

namespace Launcher.Run;

/// <summary>Keeps one process of the run alive.</summary>
internal sealed class Supervised(string name, ChildSpec spec, ProcessLog log, LogMerger merger, Guard guard, TimeProvider time, RunOptions options)
{
    /// <summary>So many deaths within <see cref="DeathWindow"/> end the run.</summary>
    private const int DeathLimit = 5;

    private static readonly TimeSpan DeathWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan SignalSkew = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Queue<long> _deaths = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource<ProcessRequest> _request = NewRequest();
    private TimeSpan _delay = FirstDelay;
    private long _started;
    private Child? _child;
    private Task? _loop;

    public string Name => name;

    public string LogPath => log.Path;

    public int? Pid => _child?.Pid;

    public DateTimeOffset? StartedAt { get; private set; }

    /// <summary>
    /// Whether the end that the process explains itself, with code 1 and one line, ends the run: so it is with a sidecar that has never been
    /// ready, since its files would not be better the next time.
    /// </summary>
    public bool FailsForGood { get; set; }

    /// <summary>Stopped on request, until it is asked to restart.</summary>
    public bool IsParked { get; private set; }

    /// <summary>A process started or ended.</summary>
    public event Action? Changed;

    /// <summary>Starts the process and its supervision. The task ends when the process was stopped, and fails when the run must end.</summary>
    public Task StartAsync() => _loop = SuperviseAsync();

    /// <summary>Ends the process in an orderly way, which does not count as a death; what comes then says the request.</summary>
    public void Ask(ProcessRequest request)
    {
        lock (_gate)
        {
            if (!_request.TrySetResult(request))
            {
                // Not acted upon yet: the last word counts.
                _request = NewRequest();
                _request.SetResult(request);
            }
        }
    }

    /// <summary>The run is stopping: an end of the process is no death any more.</summary>
    public void ExpectEnd()
    {
        lock (_gate)
        {
            _stopping.Cancel();
        }
    }

    /// <summary>Ends the process for good.</summary>
    public async Task StopAsync(CancellationToken hurry)
    {
        Child? child;
        lock (_gate)
        {
            _stopping.Cancel();
            child = _child;
        }

        if (child is not null)
        {
            await child.StopAsync(options.StopTimeout, time, hurry);
        }

        if (_loop is not null)
        {
            await _loop.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task SuperviseAsync()
    {
        await ParkIfAskedAsync();
        while (StartChild() is { } child)
        {
            var request = Request;
            var asked = await Task.WhenAny(child.Exited, request) == request && !child.Exited.IsCompleted;
            if (asked)
            {
                merger.Say($"{name} {(await request is ProcessRequest.Stop ? "stops" : "restarts")} on request");
                await child.StopAsync(options.StopTimeout, time, CancellationToken.None);
            }

            var status = await child.Exited;
            End(child);
            if (await IsStoppingAsync())
            {
                return;
            }

            if (!asked)
            {
                await MournAsync(child.Pid, status, time.GetElapsedTime(_started));
            }

            await ParkIfAskedAsync();
        }
    }

    /// <summary>The request may have come while there was no process: before the first start, or in a pause after a death.</summary>
    private async Task ParkIfAskedAsync()
    {
        if (Request is { IsCompletedSuccessfully: true } open && await open is ProcessRequest.Stop)
        {
            await ParkAsync();
        }
    }

    private Task<ProcessRequest> Request
    {
        get
        {
            lock (_gate)
            {
                return _request.Task;
            }
        }
    }

    /// <summary>Waits until somebody asks for a restart, or the run stops.</summary>
    private async Task ParkAsync()
    {
        Task<ProcessRequest> request;
        lock (_gate)
        {
            _request = NewRequest();
            request = _request.Task;
            IsParked = true;
        }

        Changed?.Invoke();
        try
        {
            while (await request.WaitAsync(_stopping.Token) is ProcessRequest.Stop)
            {
                lock (_gate)
                {
                    _request = NewRequest();
                    request = _request.Task;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // StartChild ends the loop.
        }

        IsParked = false;
    }

    /// <summary>A signal to the whole process group may end a child before the launcher has acted on its own.</summary>
    private async Task<bool> IsStoppingAsync()
    {
        await Task.Delay(SignalSkew, time, _stopping.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        return _stopping.IsCancellationRequested;
    }

    /// <summary>Null when the run is stopping.</summary>
    private Child? StartChild()
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
            {
                return null;
            }

            _request = _request.Task.IsCompleted ? NewRequest() : _request;
            _started = time.GetTimestamp();
            StartedAt = time.GetUtcNow();
            _child = Child.Run(spec, guard, log);
        }

        Changed?.Invoke();
        return _child;
    }

    private void End(Child child)
    {
        lock (_gate)
        {
            _child = null;
        }

        child.Dispose();
        Changed?.Invoke();
    }

    /// <summary>Announces a death and waits for the time of the next start.</summary>
    private async Task MournAsync(int pid, ExitStatus status, TimeSpan lived)
    {
        if (lived >= DeathWindow)
        {
            _delay = FirstDelay;
        }

        var now = time.GetTimestamp();
        _deaths.Enqueue(now);
        while (time.GetElapsedTime(_deaths.Peek(), now) > DeathWindow)
        {
            _deaths.Dequeue();
        }

        var tail = log.TakeTail();
        if (FailsForGood && status.Code == 1)
        {
            throw new LauncherException($"the {name} cannot start: {tail.LastOrDefault(line => line.Length > 0) ?? status.ToString()}");
        }

        merger.Warn($"{name} (pid {pid}) {status}{(tail.Count == 0 ? " without a word" : $"; its last {tail.Count} lines:")}");
        foreach (var line in tail)
        {
            merger.Say($"  {name} > {line}");
        }

        if (options.EndsWithApp)
        {
            throw new LauncherException($"{name} {status}: the run ends with it", status.Code);
        }

        if (!options.Restart)
        {
            throw new LauncherException($"{name} {status}: the run stops because of --no-restart");
        }

        if (_deaths.Count >= DeathLimit)
        {
            throw new LauncherException($"{name} died {DeathLimit} times within a minute: the run stops; see {log.Path}");
        }

        merger.Say(string.Create(CultureInfo.InvariantCulture, $"{name} starts again in {_delay.TotalSeconds:0.#} s"));
        var wait = _delay;
        _delay = _delay * 2 < LongestDelay ? _delay * 2 : LongestDelay;
        try
        {
            await Task.Delay(wait, time, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // StartChild ends the loop.
        }
    }

    private static TaskCompletionSource<ProcessRequest> NewRequest() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
