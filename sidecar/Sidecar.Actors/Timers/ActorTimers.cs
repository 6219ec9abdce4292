using Microsoft.Extensions.Logging;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.Turns;

namespace Sidecar.Actors.Timers;

/// <summary>
/// The timers of one activation: in memory, gone with it. A tick is a turn; the next one is due a period after the callback's end
/// (protocol: HTTP §6.2). A failed tick counts like any other.
/// </summary>
internal sealed partial class ActorTimers(ActorSystem system, Activation activation)
{
    private readonly Dictionary<string, RunningTimer> _timers = new(StringComparer.Ordinal);
    private bool _isOver;

    /// <summary>Starts a timer in place of one with its name.</summary>
    public void Register(string name, ActorTimerRequest request, Schedule schedule)
    {
        var timer = new RunningTimer(name, schedule, ActorData.Body(request.Callback, ActorData.ToJson(request.Data), request.DueTime, request.Period));
        timer.Entry = new DueEntry(() => TickAsync(timer));
        lock (_timers)
        {
            if (_isOver)
            {
                return;
            }

            Remove(name);
            _timers.Add(name, timer);
            system.Due.Schedule(timer.Entry, schedule.First);
        }
    }

    public void Unregister(string name)
    {
        lock (_timers)
        {
            Remove(name);
        }
    }

    public void StopAll()
    {
        lock (_timers)
        {
            _isOver = true;
            foreach (var name in _timers.Keys.ToArray())
            {
                Remove(name);
            }
        }
    }

    private void Remove(string name)
    {
        if (_timers.Remove(name, out var timer))
        {
            system.Due.Cancel(timer.Entry!);
        }
    }

    private bool IsCurrent(RunningTimer timer)
    {
        lock (_timers)
        {
            return _timers.GetValueOrDefault(timer.Name) == timer;
        }
    }

    private async Task TickAsync(RunningTimer timer)
    {
        var isWanted = true;
        try
        {
            await system.InTurnOfAsync(activation, async chain =>
            {
                if (IsCurrent(timer) && !(timer.Schedule.Expires <= system.Time.GetUtcNow()))
                {
                    isWanted = !await system.LimitAsync(
                        activation, token => AppCalls.FireAsync(activation, "timer", timer.Name, timer.Body, chain, token), CancellationToken.None);
                }
            });
        }
        catch (Exception exception)
        {
            LogFailed(system.Logger, timer.Name, activation.Actor.Key.Type, activation.Actor.Key.Id, exception.Message);
        }

        lock (_timers)
        {
            if (_timers.GetValueOrDefault(timer.Name) != timer)
            {
                return;
            }

            var next = (timer.Schedule.Period ?? default).AddTo(system.Time.GetUtcNow());
            if (!isWanted || --timer.Left == 0 || timer.Schedule.Expires <= next)
            {
                Remove(timer.Name);
            }
            else
            {
                system.Due.Schedule(timer.Entry!, next);
            }
        }
    }

    private sealed class RunningTimer(string name, Schedule schedule, byte[] body)
    {
        public string Name { get; } = name;

        public Schedule Schedule { get; } = schedule;

        public byte[] Body { get; } = body;

        /// <summary>Ticks that are left; never 0 when there is no end.</summary>
        public long Left { get; set; } = schedule.Repeats > 0 ? schedule.Repeats : long.MaxValue;

        public DueEntry? Entry { get; set; }
    }

    [LoggerMessage(5020, LogLevel.Warning, "Timer {Name} of actor {Type}/{Id} failed: {Problem}")]
    private static partial void LogFailed(ILogger logger, string name, string type, string id, string problem);
}
