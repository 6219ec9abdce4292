using System.Runtime.CompilerServices;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.InMemory;

/// <summary>
/// <c>state.in-memory</c>: the semantics of <c>state.tandem</c> without the file. Shared by all instances with one
/// component name.
/// </summary>
internal sealed class InMemoryStateStore(InMemoryTable table, TimeProvider time) : IStateStore, IKeyListing
{
    public StateFeatures Features =>
        StateFeatures.ETag | StateFeatures.Transactional | StateFeatures.Ttl | StateFeatures.Actor | StateFeatures.DeleteWithPrefix;

    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => new(Find(key));

    public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        new([.. keys.Select(Find)]);

    public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => TransactAsync([write], cancellationToken);

    public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        table.Commit(writes, time.GetUtcNow().Ticks);
        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<string> ListKeysAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var key in table.Keys.LiveKeys(prefix, time))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return key;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private StateItem? Find(string key) => table.Keys.FindLive(key, time.GetUtcNow().Ticks)?.ToItem();
}
