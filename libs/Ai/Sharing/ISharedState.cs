namespace Ai.Sharing;

/// <summary>A document and the version it was read in; no value and no version where there is none.</summary>
public readonly record struct SharedDocument<T>(T? Value, string? ETag) where T : class;

/// <summary>What the replicas of an app keep together: cached answers and what was spent. Without one each process keeps its own.</summary>
public interface ISharedState
{
    /// <summary>Reads a document.</summary>
    Task<SharedDocument<T>> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class;

    /// <summary>Writes a document, whatever is there.</summary>
    Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class;

    /// <summary>Writes a document if it is still the one of <paramref name="etag"/>, or if there is none where that is null. False: it is another one.</summary>
    Task<bool> TryReplaceAsync<T>(string key, T value, string? etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class;
}
