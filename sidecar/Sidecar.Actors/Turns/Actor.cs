namespace Sidecar.Actors.Turns;

/// <summary>
/// One actor while somebody calls it or it is active. It has one queue of turns and at most one activation, wherever its host is: who has
/// the turn may move it, so it is never active in two places.
/// </summary>
internal sealed class Actor(ActorKey key)
{
    private volatile Activation? _activation;

    public ActorKey Key { get; } = key;

    public TurnQueue Turns { get; } = new();

    /// <summary>Where it is active; changed by who has the turn.</summary>
    public Activation? Activation
    {
        get => _activation;
        set => _activation = value;
    }
}
