namespace Dapr.Client;

/// <summary>What happens when two writers meet.</summary>
public enum ConcurrencyMode
{
    /// <summary>The first write wins.</summary>
    FirstWrite = 0,

    /// <summary>The last write wins.</summary>
    LastWrite = 1,
}

/// <summary>How soon a write is seen.</summary>
public enum ConsistencyMode
{
    /// <summary>Eventually.</summary>
    Eventual = 0,

    /// <summary>At once.</summary>
    Strong = 1,
}

/// <summary>Options of a state operation.</summary>
public class StateOptions
{
    /// <summary>Consistency.</summary>
    public ConsistencyMode? Consistency { get; set; }

    /// <summary>Concurrency.</summary>
    public ConcurrencyMode? Concurrency { get; set; }
}

/// <summary>Kind of a transaction's operation.</summary>
public enum StateOperationType
{
    /// <summary>Insert or update.</summary>
    Upsert,

    /// <summary>Delete.</summary>
    Delete,
}

/// <summary>One operation of a transaction. The value is JSON.</summary>
public sealed class StateTransactionRequest
{
    /// <summary>Options of the operation.</summary>
    public StateOptions? Options;

    /// <summary>Creates the operation.</summary>
    public StateTransactionRequest(
        string key, byte[]? value, StateOperationType operationType, string? etag = null, IReadOnlyDictionary<string, string>? metadata = null,
        StateOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        Key = key;
        Value = value;
        OperationType = operationType;
        ETag = etag;
        Metadata = metadata;
        Options = options;
    }

    /// <summary>Key.</summary>
    public string Key { get; }

    /// <summary>JSON, null for a deletion.</summary>
    public byte[]? Value { get; set; }

    /// <summary>Kind.</summary>
    public StateOperationType? OperationType { get; set; }

    /// <summary>When given, the condition of the operation.</summary>
    public string? ETag { get; set; }

    /// <summary>Request metadata, e.g. <c>ttlInSeconds</c>.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; set; }
}

/// <summary>An item to save.</summary>
public readonly struct SaveStateItem<TValue>
{
    /// <summary>Creates the item.</summary>
    public SaveStateItem(string key, TValue value, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Key = key;
        Value = value;
        ETag = etag;
        StateOptions = stateOptions;
        Metadata = metadata;
    }

    /// <summary>Key.</summary>
    public string Key { get; }

    /// <summary>Value.</summary>
    public TValue Value { get; }

    /// <summary>Condition.</summary>
    public string ETag { get; }

    /// <summary>Options.</summary>
    public StateOptions? StateOptions { get; }

    /// <summary>Request metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; }
}

/// <summary>An item to delete.</summary>
public readonly struct BulkDeleteStateItem
{
    /// <summary>Creates the item.</summary>
    public BulkDeleteStateItem(string key, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Key = key;
        ETag = etag;
        StateOptions = stateOptions;
        Metadata = metadata;
    }

    /// <summary>Key.</summary>
    public string Key { get; }

    /// <summary>Condition.</summary>
    public string ETag { get; }

    /// <summary>Options.</summary>
    public StateOptions? StateOptions { get; }

    /// <summary>Request metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; }
}

/// <summary>An item of a bulk get; an absent key has an empty value and etag.</summary>
public readonly struct BulkStateItem
{
    /// <summary>Creates the item.</summary>
    public BulkStateItem(string key, string value, string etag)
    {
        Key = key;
        Value = value;
        ETag = etag;
    }

    /// <summary>Key.</summary>
    public string Key { get; }

    /// <summary>JSON text.</summary>
    public string Value { get; }

    /// <summary>Etag.</summary>
    public string ETag { get; }
}

/// <summary>An item of a bulk get; an absent key has the default value and an empty etag.</summary>
public readonly struct BulkStateItem<TValue>
{
    /// <summary>Creates the item.</summary>
    public BulkStateItem(string key, TValue value, string etag)
    {
        Key = key;
        Value = value;
        ETag = etag;
    }

    /// <summary>Key.</summary>
    public string Key { get; }

    /// <summary>Value.</summary>
    public TValue Value { get; }

    /// <summary>Etag.</summary>
    public string ETag { get; }
}
