namespace Dapr.Actors.Runtime;

/// <summary>
/// The state of one actor. What a method changes is kept until it ends: then it is saved in one transaction, or forgotten when
/// the method failed.
/// </summary>
public interface IActorStateManager
{
    /// <summary>Adds a state.</summary>
    /// <exception cref="InvalidOperationException">There is one of the name.</exception>
    Task AddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default);

    /// <summary>Adds a state that ends after a time.</summary>
    /// <exception cref="InvalidOperationException">There is one of the name.</exception>
    Task AddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default);

    /// <summary>Returns a state.</summary>
    /// <exception cref="KeyNotFoundException">There is none of the name.</exception>
    Task<T> GetStateAsync<T>(string stateName, CancellationToken cancellationToken = default);

    /// <summary>Gives a state a value, whether there is one or not.</summary>
    Task SetStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default);

    /// <summary>Gives a state a value that ends after a time, whether there is one or not.</summary>
    Task SetStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default);

    /// <summary>Removes a state.</summary>
    /// <exception cref="KeyNotFoundException">There is none of the name.</exception>
    Task RemoveStateAsync(string stateName, CancellationToken cancellationToken = default);

    /// <summary>Adds a state unless there is one; says whether it did.</summary>
    Task<bool> TryAddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default);

    /// <summary>Adds a state that ends after a time unless there is one; says whether it did.</summary>
    Task<bool> TryAddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default);

    /// <summary>Returns a state if there is one.</summary>
    Task<ConditionalValue<T>> TryGetStateAsync<T>(string stateName, CancellationToken cancellationToken = default);

    /// <summary>Removes a state if there is one; says whether there was.</summary>
    Task<bool> TryRemoveStateAsync(string stateName, CancellationToken cancellationToken = default);

    /// <summary>Whether there is a state of the name.</summary>
    Task<bool> ContainsStateAsync(string stateName, CancellationToken cancellationToken = default);

    /// <summary>Returns a state; adds it first if there is none.</summary>
    Task<T> GetOrAddStateAsync<T>(string stateName, T value, CancellationToken cancellationToken = default);

    /// <summary>Returns a state; adds it with an end first if there is none.</summary>
    Task<T> GetOrAddStateAsync<T>(string stateName, T value, TimeSpan ttl, CancellationToken cancellationToken = default);

    /// <summary>Adds a state, or makes its next value from the one there is; returns the value.</summary>
    Task<T> AddOrUpdateStateAsync<T>(
        string stateName, T addValue, Func<string, T, T> updateValueFactory, CancellationToken cancellationToken = default);

    /// <summary>Adds a state that ends after a time, or makes its next value from the one there is; returns the value.</summary>
    Task<T> AddOrUpdateStateAsync<T>(
        string stateName, T addValue, Func<string, T, T> updateValueFactory, TimeSpan ttl, CancellationToken cancellationToken = default);

    /// <summary>Forgets what was read and all changes that are not saved.</summary>
    Task ClearCacheAsync(CancellationToken cancellationToken = default);

    /// <summary>Forgets one state that was read.</summary>
    /// <exception cref="InvalidOperationException">It has changed, and the options do not allow to lose that.</exception>
    Task UnloadStateAsync(string stateName, UnloadStateOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Saves all changes in one transaction.</summary>
    Task SaveStateAsync(CancellationToken cancellationToken = default);
}
