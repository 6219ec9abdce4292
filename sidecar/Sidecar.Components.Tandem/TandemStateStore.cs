using System.Runtime.CompilerServices;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem;

/// <summary>
/// <c>state.tandem</c>: durable key-value state. Instances with one component name share data, across apps. The etag is the
/// version of the write, unique in the store. A value whose TTL has passed is hidden at once and removed in the background.
/// </summary>
internal sealed class TandemStateStore(ComponentContext context) : TandemComponent(context), IStateStore, IKeyListing
{
    private KeyTable _table = null!;

    public StateFeatures Features =>
        StateFeatures.ETag | StateFeatures.Transactional | StateFeatures.Ttl | StateFeatures.Actor | StateFeatures.DeleteWithPrefix;

    public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => new(Find(key));

    public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var items = new StateItem?[keys.Count];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = Find(keys[i]);
        }

        return new(items);
    }

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) =>
        Store.WriteAsync(_table, [write], Durability, cancellationToken);

    public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) =>
        Store.WriteAsync(_table, writes, Durability, cancellationToken);

    public async IAsyncEnumerable<string> ListKeysAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var key in _table.LiveKeys(prefix, Time))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return key;
        }
    }

    private protected override ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _table = Store.Table("state/" + Context.Name);
        return ValueTask.CompletedTask;
    }

    private StateItem? Find(string key) => _table.FindLive(key, Time.GetUtcNow().Ticks)?.ToItem();
}
