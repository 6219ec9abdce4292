namespace Dapr.Actors.Runtime;

/// <summary>A class of actors that the app hosts.</summary>
public sealed class ActorRegistration
{
    /// <summary>Creates the registration.</summary>
    public ActorRegistration(ActorTypeInformation type) : this(type, null) { }

    /// <summary>Creates the registration with options of its own.</summary>
    public ActorRegistration(ActorTypeInformation type, ActorRuntimeOptions? options)
    {
        Type = type;
        TypeOptions = options!;
    }

    /// <summary>The class.</summary>
    public ActorTypeInformation Type { get; }

    /// <summary>What makes its instances; default is dependency injection with a scope for each actor.</summary>
    public ActorActivator Activator { get; set; } = null!;

    /// <summary>Its own options; null when it has those of the app.</summary>
    public ActorRuntimeOptions TypeOptions { get; }
}
