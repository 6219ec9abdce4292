namespace Dapr.Client;

/// <summary>A call of an output binding with bytes as data.</summary>
public sealed class BindingRequest
{
    /// <summary>Creates the request.</summary>
    public BindingRequest(string bindingName, string operation)
    {
        ArgumentException.ThrowIfNullOrEmpty(bindingName);
        ArgumentException.ThrowIfNullOrEmpty(operation);
        BindingName = bindingName;
        Operation = operation;
    }

    /// <summary>Component name.</summary>
    public string BindingName { get; }

    /// <summary>Operation.</summary>
    public string Operation { get; }

    /// <summary>Data: JSON text.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>Request metadata.</summary>
    public Dictionary<string, string> Metadata { get; } = [];
}

/// <summary>The answer of an output binding.</summary>
public sealed class BindingResponse
{
    /// <summary>Creates the answer.</summary>
    public BindingResponse(BindingRequest request, ReadOnlyMemory<byte> data, IReadOnlyDictionary<string, string> metadata)
    {
        Request = request;
        Data = data;
        Metadata = metadata;
    }

    /// <summary>What was asked.</summary>
    public BindingRequest Request { get; }

    /// <summary>Bytes from the component.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Response metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }
}

/// <summary>An entry of a bulk publish.</summary>
public class BulkPublishEntry<TValue>
{
    /// <summary>Creates the entry.</summary>
    public BulkPublishEntry(string entryId, TValue eventData, string contentType, IReadOnlyDictionary<string, string>? metadata = null)
    {
        EntryId = entryId;
        EventData = eventData;
        ContentType = contentType;
        Metadata = metadata;
    }

    /// <summary>Id within the request: 0, 1, 2 …</summary>
    public string EntryId { get; }

    /// <summary>Data.</summary>
    public TValue EventData { get; }

    /// <summary>Content type.</summary>
    public string ContentType { get; }

    /// <summary>Request metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; }
}

/// <summary>An entry that was not published.</summary>
public class BulkPublishResponseFailedEntry<TValue>
{
    /// <summary>Creates the entry.</summary>
    public BulkPublishResponseFailedEntry(BulkPublishEntry<TValue> entry, string errorMessage)
    {
        Entry = entry;
        ErrorMessage = errorMessage;
    }

    /// <summary>The entry.</summary>
    public BulkPublishEntry<TValue> Entry { get; }

    /// <summary>Why.</summary>
    public string ErrorMessage { get; }
}

/// <summary>The outcome of a bulk publish.</summary>
public class BulkPublishResponse<TValue>
{
    /// <summary>Creates the outcome.</summary>
    public BulkPublishResponse(List<BulkPublishResponseFailedEntry<TValue>> failedEntries) => FailedEntries = failedEntries;

    /// <summary>Entries that failed; empty when all are published.</summary>
    public List<BulkPublishResponseFailedEntry<TValue>> FailedEntries { get; }
}

/// <summary>What the sidecar tells of itself.</summary>
public sealed class DaprMetadata
{
    /// <summary>Creates the metadata.</summary>
    public DaprMetadata(
        string id, IReadOnlyList<DaprActorMetadata> actors, IReadOnlyDictionary<string, string> extended, IReadOnlyList<DaprComponentsMetadata> components)
    {
        Id = id;
        Actors = actors;
        Extended = extended;
        Components = components;
    }

    /// <summary>App id.</summary>
    public string Id { get; }

    /// <summary>Active actors.</summary>
    public IReadOnlyList<DaprActorMetadata> Actors { get; }

    /// <summary>Extended attributes.</summary>
    public IReadOnlyDictionary<string, string> Extended { get; }

    /// <summary>Components.</summary>
    public IReadOnlyList<DaprComponentsMetadata> Components { get; }
}

/// <summary>Count of an actor type.</summary>
public sealed class DaprActorMetadata
{
    /// <summary>Creates the count.</summary>
    public DaprActorMetadata(string type, int count)
    {
        Type = type;
        Count = count;
    }

    /// <summary>Actor type.</summary>
    public string Type { get; }

    /// <summary>Active actors.</summary>
    public int Count { get; }
}

/// <summary>A component of the sidecar.</summary>
public sealed class DaprComponentsMetadata
{
    /// <summary>Creates the description.</summary>
    public DaprComponentsMetadata(string name, string type, string version, string[] capabilities)
    {
        Name = name;
        Type = type;
        Version = version;
        Capabilities = capabilities;
    }

    /// <summary>Name.</summary>
    public string Name { get; }

    /// <summary>Type.</summary>
    public string Type { get; }

    /// <summary>Version.</summary>
    public string Version { get; }

    /// <summary>Capabilities.</summary>
    public string[] Capabilities { get; }
}
