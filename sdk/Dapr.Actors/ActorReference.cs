using System.Runtime.Serialization;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;

namespace Dapr.Actors;

/// <summary>Names an actor, so that it can be passed on.</summary>
[DataContract(Name = "ActorReference", Namespace = "urn:actors")]
public sealed class ActorReference
{
    /// <summary>Id of the actor.</summary>
    [DataMember(Name = "ActorId", Order = 0, IsRequired = true)]
    public ActorId ActorId { get; set; } = null!;

    /// <summary>Type of the actor.</summary>
    [DataMember(Name = "ActorType", Order = 0, IsRequired = true)]
    public string ActorType { get; set; } = null!;

    /// <summary>The reference to an actor or to what a proxy stands for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither.</exception>
    public static ActorReference Get(object actor)
    {
        ArgumentNullException.ThrowIfNull(actor);
        return actor switch
        {
            ActorReference reference => reference,
            IActorProxy proxy => new ActorReference { ActorId = proxy.ActorId, ActorType = proxy.ActorType },
            Actor instance => new ActorReference { ActorId = instance.Id, ActorType = instance.Host.ActorTypeInfo.ActorTypeName },
            _ => throw new ArgumentOutOfRangeException(nameof(actor), $"{actor.GetType()} is neither an actor nor a proxy."),
        };
    }

    /// <summary>A proxy for the actor.</summary>
    public object Bind(Type actorInterfaceType) => ActorProxy.DefaultProxyFactory.CreateActorProxy(ActorId, actorInterfaceType, ActorType);
}
