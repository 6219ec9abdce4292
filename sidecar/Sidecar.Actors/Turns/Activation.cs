using Sidecar.Actors.Hosting;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.State;
using Sidecar.Actors.Timers;

namespace Sidecar.Actors.Turns;

/// <summary>An actor's life in the memory of one host.</summary>
internal sealed class Activation
{
    private readonly CancellationTokenSource _ending = new();

    public Activation(ActorSystem system, Actor actor, ActorHost host, long version)
    {
        (Actor, Host, Settings, Version) = (actor, host, host.Types[actor.Key.Type], version);
        Timers = new ActorTimers(system, this);
    }

    public Actor Actor { get; }

    public ActorHost Host { get; }

    public ActorTypeSettings Settings { get; }

    public ActorTimers Timers { get; }

    public WriteGate Writes { get; } = new();

    /// <summary>Version of the host table for which this is the right place.</summary>
    public long Version { get; set; }

    /// <summary>When a call or a reminder last used the actor; timers do not count.</summary>
    public DateTimeOffset LastUsed { get; set; }

    /// <summary>Looks after the idle timeout.</summary>
    public DueEntry? IdleCheck { get; set; }

    /// <summary>Cancelled when what runs must end at once.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Ends what runs. The activation is of no further use.</summary>
    public void End() => _ending.Cancel();
}
