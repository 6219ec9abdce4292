using System.Collections.ObjectModel;

namespace Dapr.Actors.Runtime;

/// <summary>The classes of actors that the app hosts.</summary>
public sealed class ActorRegistrationCollection : KeyedCollection<ActorTypeInformation, ActorRegistration>
{
    /// <summary>Adds a class under its own name.</summary>
    public void RegisterActor<TActor>(Action<ActorRegistration>? configure = null) where TActor : Actor =>
        Register<TActor>(null, null, configure);

    /// <summary>Adds a class under its own name, with options of its own.</summary>
    public void RegisterActor<TActor>(ActorRuntimeOptions typeOptions, Action<ActorRegistration>? configure = null) where TActor : Actor =>
        Register<TActor>(null, typeOptions, configure);

    /// <summary>Adds a class under a name.</summary>
    public void RegisterActor<TActor>(string actorTypeName, Action<ActorRegistration>? configure = null) where TActor : Actor =>
        Register<TActor>(actorTypeName, null, configure);

    /// <summary>Adds a class under a name, with options of its own.</summary>
    public void RegisterActor<TActor>(string actorTypeName, ActorRuntimeOptions typeOptions, Action<ActorRegistration>? configure = null)
        where TActor : Actor => Register<TActor>(actorTypeName, typeOptions, configure);

    /// <inheritdoc/>
    protected override ActorTypeInformation GetKeyForItem(ActorRegistration item) => item.Type;

    private void Register<TActor>(string? actorTypeName, ActorRuntimeOptions? typeOptions, Action<ActorRegistration>? configure) where TActor : Actor
    {
        var registration = new ActorRegistration(ActorTypeInformation.Get(typeof(TActor), actorTypeName), typeOptions);
        configure?.Invoke(registration);
        Add(registration);
    }
}
