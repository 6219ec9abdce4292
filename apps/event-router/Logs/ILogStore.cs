namespace EventRouter.Logs;

/// <summary>
/// The few state operations that logs need. A seam because the tests must lose answers, races and processes at chosen points.
/// </summary>
internal interface ILogStore
{
    /// <summary>The value and its etag; null when the key is absent.</summary>
    Task<(T? Value, string ETag)> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class;

    /// <summary>The values that exist, in no particular order.</summary>
    Task<IReadOnlyList<T>> ReadManyAsync<T>(IReadOnlyList<string> keys, CancellationToken cancellationToken) where T : class;

    /// <summary>
    /// Writes if the key is absent. Throws when it is not and for every other failure: only reading again tells what happened.
    /// </summary>
    Task CreateAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class;

    /// <summary>Writes if the etag is still current; false when it is not. A throw leaves the outcome open.</summary>
    Task<bool> ReplaceAsync<T>(string key, T value, string etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class;

    /// <summary>Writes whatever is there.</summary>
    Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class;

    /// <summary>Deletes whatever is there.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}
