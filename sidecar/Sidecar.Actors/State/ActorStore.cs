using Sidecar.Abstractions;
using Sidecar.Runtime;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Actors.State;

/// <summary>
/// The state store with <c>actorStateStore: "true"</c>, which holds the state of actors and their reminders. Keys are
/// <c>appid||type||id||key</c> whatever the component's keyPrefix says (protocol: HTTP §6.2).
/// </summary>
internal sealed class ActorStore
{
    private readonly AppInstance _app;
    private readonly string _name;
    private readonly IStateStore _store;

    private ActorStore(AppInstance app, string name, IStateStore store) => (_app, _name, _store) = (app, name, store);

    /// <summary>The app's store, or null. Throws <see cref="ComponentException"/> when there are two, or one that cannot hold actors.</summary>
    public static ActorStore? Find(AppInstance app)
    {
        ActorStore? found = null;
        foreach (var (manifest, component) in app.Components.All)
        {
            if (component is not IStateStore store || !app.Components.Metadata(manifest.Name).Bool("actorStateStore", false))
            {
                continue;
            }

            if (found is not null)
            {
                throw new ComponentException($"app {app.Instance.AppId} has two state stores for actors, '{found._name}' and '{manifest.Name}': only one may say actorStateStore");
            }

            if (!store.Features.HasFlag(StateFeatures.Transactional | StateFeatures.ETag) || store is not IKeyListing)
            {
                throw new ComponentException($"component '{manifest.Name}': a store with actorStateStore must offer transactions, etags and key listing; this one does not");
            }

            found = new ActorStore(app, manifest.Name, store);
        }

        return found;
    }

    /// <summary>Key of an actor's value.</summary>
    public string Key(ActorKey actor, string key) => $"{_app.Instance.AppId}||{actor.Type}||{actor.Id}||{key}";

    /// <summary>What the keys of an area of Dapr's own begin with.</summary>
    public string Prefix(string area) => $"{_app.Instance.AppId}||{area}||";

    public Task<StateItem?> GetAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(async token => await _store.GetAsync(key, token), cancellationToken);

    public Task<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        RunAsync(async token => await _store.GetManyAsync(keys, token), cancellationToken);

    /// <summary>An attempt goes to its end whatever becomes of the caller: nothing may be written after this has returned.</summary>
    public Task TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) => RunAsync(
        async _ =>
        {
            await _store.TransactAsync(writes, CancellationToken.None);
            return true;
        },
        cancellationToken);

    public IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken) =>
        ((IKeyListing)_store).ListKeysAsync(prefix, cancellationToken);

    private Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        _app.Resiliency.ForOutbound(_name, "Statestore").ExecuteAsync(call, _ => default(AttemptOutcome), _ => true, _app.Time, cancellationToken);
}
