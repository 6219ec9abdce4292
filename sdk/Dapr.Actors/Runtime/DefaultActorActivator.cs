namespace Dapr.Actors.Runtime;

/// <summary>Makes actors whose constructor takes only an <see cref="ActorHost"/>.</summary>
public class DefaultActorActivator : ActorActivator
{
    /// <inheritdoc/>
    public override Task<ActorActivatorState> CreateAsync(ActorHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        var actor = (Actor)Activator.CreateInstance(host.ActorTypeInfo.ImplementationType, host)!;
        return Task.FromResult(new ActorActivatorState(actor));
    }

    /// <inheritdoc/>
    public override async Task DeleteAsync(ActorActivatorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        await DisposeAsync(state.Actor).ConfigureAwait(false);
    }

    internal static ValueTask DisposeAsync(Actor actor)
    {
        if (actor is IAsyncDisposable asynchronous)
        {
            return asynchronous.DisposeAsync();
        }

        (actor as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }
}
