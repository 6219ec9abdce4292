using System.Globalization;
using Launcher.Logs;
using Launcher.Processes;
using Launcher.Run;
using LocalServers.Processes;
using TestKit;

namespace Launcher.Tests;

/// <summary>The pauses before a dead process is started again, on a clock of the test.</summary>
public sealed class SupervisedTests : IAsyncDisposable
{
    /// <summary>So long that five deaths are never within a minute.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(25);

    private readonly TempDirectory _folder = new();
    private readonly StringWriter _text = new();
    private readonly TextWriter _console;
    private readonly ManualTimeProvider _time = new();
    private readonly Guard _guard = new();
    private readonly ProcessLog _log;
    private readonly Supervised _process;
    private int _deaths;

    public SupervisedTests()
    {
        _console = TextWriter.Synchronized(_text);
        var merger = new LogMerger(_console, colour: false, _folder.Path);
        _log = merger.Open("app", "app.log", onConsole: false);
        var spec = new ChildSpec(["sleep", "1000"], _folder.Path, new Dictionary<string, string?>());
        _process = new Supervised("app", spec, _log, merger, _guard, _time, new RunOptions());
    }

    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync(new CancellationToken(canceled: true));
        _log.Dispose();
        _guard.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Pauses_grow_to_10_seconds_and_begin_anew_after_a_minute_of_life()
    {
        _ = _process.StartAsync();

        var pauses = new List<double>();
        foreach (var life in Enumerable.Repeat(ShortLife, 7).Append(TimeSpan.FromMinutes(1)).Append(ShortLife))
        {
            pauses.Add(await DieAfterAsync(life));
        }

        Assert.Equal([0.5, 1, 2, 4, 8, 10, 10, 0.5, 1], pauses);
    }

    [Fact]
    public async Task A_stop_that_comes_before_the_start_or_in_the_pause_after_a_death_holds_until_a_restart()
    {
        _process.Ask(ProcessRequest.Stop);
        _ = _process.StartAsync();
        Assert.True(_process.IsParked);

        _process.Ask(ProcessRequest.Restart);
        await UntilAsync(() => _process.Pid is not null);
        Assert.False(_process.IsParked);

        Libc.Signal(_process.Pid!.Value, Libc.SigKill);
        await UntilAsync(() => _time.ArmedTimers == 1);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await UntilAsync(() => Announcements().Count == 1 && _time.ArmedTimers == 1);
        _process.Ask(ProcessRequest.Restart);
        _process.Ask(ProcessRequest.Stop);
        _time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => _process.IsParked);
        Assert.Null(_process.Pid);

        _process.Ask(ProcessRequest.Restart);
        await UntilAsync(() => _process.Pid is not null);
    }

    /// <summary>Kills the process at that age, waits until it runs again, and returns the announced pause in seconds.</summary>
    private async Task<double> DieAfterAsync(TimeSpan life)
    {
        await UntilAsync(() => _process.Pid is not null);
        _time.Advance(life);
        Libc.Signal(_process.Pid!.Value, Libc.SigKill);
        // The launcher first looks whether the whole run is being stopped.
        await UntilAsync(() => _time.ArmedTimers == 1);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        _deaths++;
        await UntilAsync(() => Announcements().Count == _deaths && _time.ArmedTimers == 1);
        var pause = Announcements()[^1];
        _time.Advance(TimeSpan.FromSeconds(pause));
        return pause;
    }

    private List<double> Announcements()
    {
        const string Announcement = "app starts again in ";
        lock (_console)
        {
            return [.. _text.ToString().Split('\n').Where(line => line.StartsWith(Announcement, StringComparison.Ordinal))
                .Select(line => double.Parse(line[Announcement.Length..].Split(' ')[0], CultureInfo.InvariantCulture))];
        }
    }

    /// <summary>Asks until it holds: another process's end gives this one no signal.</summary>
    private static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(LaunchedRun.Patience);
        while (!holds())
        {
            await Task.Delay(20, patience.Token);
        }
    }
}
