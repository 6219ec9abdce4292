using Sidecar.Actors.Hosting;
using Sidecar.Actors.Schedules;

namespace Sidecar.Actors.Turns;

/// <summary>An actor's life in the memory of one host.</summary>
internal sealed class Activation(Actor actor, ActorHost host, long version)
{
    private readonly CancellationTokenSource _ending = new();

    public Actor Actor { get; } = actor;

    public ActorHost Host { get; } = host;

    public ActorTypeSettings Settings { get; } = host.Types[actor.Key.Type];

    /// <summary>Version of the host table for which this is the right place.</summary>
    public long Version { get; set; } = version;

    /// <summary>When a call or a reminder last used the actor; timers do not count.</summary>
    public DateTimeOffset LastUsed { get; set; }

    /// <summary>Looks after the idle timeout.</summary>
    public DueEntry? IdleCheck { get; set; }

    /// <summary>Cancelled when what runs must end at once.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Ends what runs. The activation is of no further use.</summary>
    public void End() => _ending.Cancel();
}
