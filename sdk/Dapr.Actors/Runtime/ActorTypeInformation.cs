using System.Reflection;
using Dapr.Actors.Communication;

namespace Dapr.Actors.Runtime;

/// <summary>What the host knows about a class of actors.</summary>
public sealed class ActorTypeInformation
{
    private ActorTypeInformation(Type type, string name, IReadOnlyList<Type> interfaces)
    {
        ImplementationType = type;
        ActorTypeName = name;
        InterfaceTypes = interfaces;
    }

    /// <summary>Name of the actor's type.</summary>
    public string ActorTypeName { get; }

    /// <summary>Its class.</summary>
    public Type ImplementationType { get; }

    /// <summary>The interfaces by which it is called.</summary>
    public IEnumerable<Type> InterfaceTypes { get; }

    /// <summary>Whether its class is abstract.</summary>
    public bool IsAbstract => ImplementationType.IsAbstract;

    /// <summary>Whether it can have reminders.</summary>
    public bool IsRemindable => typeof(IRemindable).IsAssignableFrom(ImplementationType);

    /// <summary>Looks at a class; its name is the given one, else that of <see cref="ActorAttribute"/>, else its own (dapr-sdk §6.2).</summary>
    /// <exception cref="ArgumentException">It is no class of actors, or cannot be called.</exception>
    public static ActorTypeInformation Get(Type actorType, string? actorTypeName)
    {
        ArgumentNullException.ThrowIfNull(actorType);
        if (!typeof(Actor).IsAssignableFrom(actorType))
        {
            throw new ArgumentException($"{actorType} does not extend {nameof(Actor)}.", nameof(actorType));
        }

        Type[] interfaces = [.. actorType.GetInterfaces().Where(type => type != typeof(IActor) && typeof(IActor).IsAssignableFrom(type))];
        if (interfaces.Length == 0 && !actorType.IsAbstract)
        {
            throw new ArgumentException($"{actorType} implements no interface that extends {nameof(IActor)}.", nameof(actorType));
        }

        foreach (var type in interfaces)
        {
            ActorMethods.CheckInterface(type);
        }

        return new ActorTypeInformation(
            actorType, actorTypeName ?? actorType.GetCustomAttribute<ActorAttribute>()?.TypeName ?? actorType.Name, interfaces);
    }
}
