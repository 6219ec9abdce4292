using Dapr.Actors.Runtime;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Actors.AspNetCore;

/// <summary>Makes each actor in a scope of services of its own, which lives as long as the actor (dapr-sdk §6.2).</summary>
internal sealed class ScopedActorActivator(IServiceProvider services, ActorTypeInformation type) : ActorActivator
{
    private readonly ObjectFactory _create = ActivatorUtilities.CreateFactory(type.ImplementationType, [typeof(ActorHost)]);

    public override async Task<ActorActivatorState> CreateAsync(ActorHost host)
    {
        var scope = services.CreateAsyncScope();
        try
        {
            return new State((Actor)_create(scope.ServiceProvider, [host]), scope);
        }
        catch
        {
            await scope.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override async Task DeleteAsync(ActorActivatorState state)
    {
        try
        {
            await DefaultActorActivator.DisposeAsync(state.Actor).ConfigureAwait(false);
        }
        finally
        {
            await ((State)state).Scope.DisposeAsync().ConfigureAwait(false);
        }
    }

    private sealed class State(Actor actor, AsyncServiceScope scope) : ActorActivatorState(actor)
    {
        public AsyncServiceScope Scope { get; } = scope;
    }

    internal sealed class Factory(IServiceProvider services) : ActorActivatorFactory
    {
        public override ActorActivator CreateActivator(ActorTypeInformation type) => new ScopedActorActivator(services, type);
    }
}
