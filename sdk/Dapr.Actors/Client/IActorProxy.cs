namespace Dapr.Actors.Client;

/// <summary>Stands for an actor that may be anywhere.</summary>
public interface IActorProxy
{
    /// <summary>Id of the actor.</summary>
    ActorId ActorId { get; }

    /// <summary>Type of the actor.</summary>
    string ActorType { get; }
}
