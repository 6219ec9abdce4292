using System.Collections.Concurrent;

namespace Dapr.Actors.Runtime;

/// <summary>
/// What one actor has read and changed. In a chain of calls that may come back each call has a view of its own, so that one that
/// fails does not take the changes of another along (dapr-sdk §6.2). A method may read and change several states at the same time.
/// </summary>
internal sealed class ActorStateManager(ActorHost host) : IActorStateManager
{
    private readonly ConcurrentDictionary<string, Tracked> _own = new(StringComparer.Ordinal);
    private readonly AsyncLocal<ConcurrentDictionary<string, Tracked>?> _call = new();

    private ConcurrentDictionary<string, Tracked> States => _call.Value ?? _own;

    private ActorStateStore Store => host.StateStore ?? throw new InvalidOperationException(
        $"This actor was made for a test and has no state: set its {nameof(Actor.StateManager)} to a mock.");

    private string Type => host.ActorTypeInfo.ActorTypeName;

    /// <summary>Gives the calling flow of control a view of its own, until the method that asked ends.</summary>
    public void BeginCallOfChain() => _call.Value = new(StringComparer.Ordinal);

    public Task AddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default) =>
        AddAsync(stateName, value, null, cancellationToken);

    public Task AddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default) =>
        AddAsync(stateName, value, ttl, cancellationToken);

    public Task<bool> TryAddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default) =>
        TryAddAsync(stateName, value, null, cancellationToken);

    public Task<bool> TryAddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default) =>
        TryAddAsync(stateName, value, ttl, cancellationToken);

    public async Task<T> GetStateAsync<T>(string stateName, CancellationToken cancellationToken = default) =>
        await TryGetStateAsync<T>(stateName, cancellationToken).ConfigureAwait(false) is { HasValue: true } found ? found.Value : throw Missing(stateName);

    public async Task<ConditionalValue<T>> TryGetStateAsync<T>(string stateName, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(stateName);
        if (States.TryGetValue(stateName, out var tracked))
        {
            return tracked.IsGone ? default : new(true, (T)tracked.Value!);
        }

        var read = await Store.TryReadAsync<T>(Type, host.Id, stateName, cancellationToken).ConfigureAwait(false);
        if (!read.HasValue)
        {
            return default;
        }

        tracked = States.GetOrAdd(stateName, new Tracked(typeof(T), read.Value.Value, StateChangeKind.None, read.Value.TTLExpireTime));
        return tracked.IsGone ? default : new(true, (T)tracked.Value!);
    }

    public Task SetStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default) =>
        SetAsync(stateName, value, null, cancellationToken);

    public Task SetStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default) =>
        SetAsync(stateName, value, ttl, cancellationToken);

    public async Task RemoveStateAsync(string stateName, CancellationToken cancellationToken = default)
    {
        if (!await TryRemoveStateAsync(stateName, cancellationToken).ConfigureAwait(false))
        {
            throw Missing(stateName);
        }
    }

    public async Task<bool> TryRemoveStateAsync(string stateName, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(stateName);
        if (States.TryGetValue(stateName, out var tracked))
        {
            if (tracked.Kind == StateChangeKind.Add)
            {
                States.TryRemove(stateName, out _);
            }
            else if (!tracked.IsGone)
            {
                States[stateName] = Tracked.Removed;
            }

            return !tracked.IsGone;
        }

        if (!await Store.ContainsAsync(Type, host.Id, stateName, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        States[stateName] = Tracked.Removed;
        return true;
    }

    public async Task<bool> ContainsStateAsync(string stateName, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(stateName);
        return States.TryGetValue(stateName, out var tracked)
            ? !tracked.IsGone
            : await Store.ContainsAsync(Type, host.Id, stateName, cancellationToken).ConfigureAwait(false);
    }

    public Task<T> GetOrAddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default) =>
        GetOrAddAsync(stateName, value, null, cancellationToken);

    public Task<T> GetOrAddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default) =>
        GetOrAddAsync(stateName, value, ttl, cancellationToken);

    public Task<T> AddOrUpdateStateAsync<T>(
        string stateName, T addValue, Func<string, T, T> updateValueFactory, CancellationToken cancellationToken = default) =>
        AddOrUpdateAsync(stateName, addValue, updateValueFactory, null, cancellationToken);

    public Task<T> AddOrUpdateStateAsync<T>(
        string stateName, T addValue, Func<string, T, T> updateValueFactory, TimeSpan ttl, CancellationToken cancellationToken = default) =>
        AddOrUpdateAsync(stateName, addValue, updateValueFactory, ttl, cancellationToken);

    public Task ClearCacheAsync(CancellationToken cancellationToken = default)
    {
        States.Clear();
        return Task.CompletedTask;
    }

    public Task UnloadStateAsync(string stateName, UnloadStateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(stateName);
        if (States.TryGetValue(stateName, out var tracked))
        {
            if (tracked.Kind != StateChangeKind.None && options is not { AllowUnloadingWhenStateModified: true })
            {
                throw new InvalidOperationException($"The state '{stateName}' has changed and is not saved.");
            }

            States.TryRemove(stateName, out _);
        }

        return Task.CompletedTask;
    }

    public async Task SaveStateAsync(CancellationToken cancellationToken = default)
    {
        var states = States;
        var changed = states.Where(entry => entry.Value.Kind != StateChangeKind.None).OrderBy(entry => entry.Key, StringComparer.Ordinal).ToArray();
        if (changed.Length == 0)
        {
            return;
        }

        await Store.SaveAsync(
            Type, host.Id,
            changed.Select(entry => new ActorStateChange(entry.Key, entry.Value.Type, entry.Value.Value, entry.Value.Kind, entry.Value.Expires)),
            cancellationToken).ConfigureAwait(false);
        foreach (var (name, tracked) in changed)
        {
            // Not what has changed again meanwhile.
            if (tracked.Kind == StateChangeKind.Remove)
            {
                states.TryRemove(KeyValuePair.Create(name, tracked));
            }
            else
            {
                states.TryUpdate(name, tracked with { Kind = StateChangeKind.None }, tracked);
            }
        }
    }

    private async Task AddAsync<T>(string stateName, T value, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        if (!await TryAddAsync(stateName, value, ttl, cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidOperationException($"There is a state '{stateName}' already.");
        }
    }

    private async Task<bool> TryAddAsync<T>(string stateName, T value, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        if (await ContainsStateAsync(stateName, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        Put(stateName, value, ttl, isKnownAbsent: true);
        return true;
    }

    private async Task SetAsync<T>(string stateName, T value, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        var exists = await ContainsStateAsync(stateName, cancellationToken).ConfigureAwait(false);
        Put(stateName, value, ttl, isKnownAbsent: !exists);
    }

    private async Task<T> GetOrAddAsync<T>(string stateName, T value, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        var found = await TryGetStateAsync<T>(stateName, cancellationToken).ConfigureAwait(false);
        if (found.HasValue)
        {
            return found.Value;
        }

        Put(stateName, value, ttl, isKnownAbsent: true);
        return value;
    }

    private async Task<T> AddOrUpdateAsync<T>(
        string stateName, T addValue, Func<string, T, T> updateValueFactory, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(updateValueFactory);
        var found = await TryGetStateAsync<T>(stateName, cancellationToken).ConfigureAwait(false);
        var value = found.HasValue ? updateValueFactory(stateName, found.Value) : addValue;
        Put(stateName, value, ttl, isKnownAbsent: !found.HasValue);
        return value;
    }

    /// <summary>A state is new only when the store has none: one that this call removed is an update.</summary>
    private void Put<T>(string name, T value, TimeSpan? ttl, bool isKnownAbsent)
    {
        var kind = States.TryGetValue(name, out var tracked)
            ? tracked.Kind == StateChangeKind.Add ? StateChangeKind.Add : StateChangeKind.Update
            : isKnownAbsent ? StateChangeKind.Add : StateChangeKind.Update;
        States[name] = new Tracked(typeof(T), value, kind, ttl is { } time ? TimeProvider.System.GetUtcNow() + time : null);
    }

    private static KeyNotFoundException Missing(string name) => new($"There is no state '{name}'.");

    private sealed record Tracked(Type Type, object? Value, StateChangeKind Kind, DateTimeOffset? Expires)
    {
        public static readonly Tracked Removed = new(typeof(object), null, StateChangeKind.Remove, null);

        public bool IsGone => Kind == StateChangeKind.Remove || Expires <= TimeProvider.System.GetUtcNow();
    }
}
