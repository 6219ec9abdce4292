namespace Dapr.AspNetCore;

/// <summary>What a handler with <c>WithBulkSubscribe</c> gets: several messages of a topic.</summary>
/// <typeparam name="TValue">An entry's content: <see cref="BulkMessageModel{TValue}"/>, or raw bytes.</typeparam>
public class BulkSubscribeMessage<TValue>
{
    /// <summary>For the serializer.</summary>
    public BulkSubscribeMessage()
    {
    }

    /// <summary>For tests.</summary>
    public BulkSubscribeMessage(List<BulkSubscribeMessageEntry<TValue>> entries, string topic, Dictionary<string, string> metadata)
    {
        Entries = entries;
        Topic = topic;
        Metadata = metadata;
    }

    /// <summary>The messages; each wants a status of its own.</summary>
    public List<BulkSubscribeMessageEntry<TValue>> Entries { get; set; } = [];

    /// <summary>Topic.</summary>
    public string Topic { get; set; } = "";

    /// <summary>Metadata of the batch.</summary>
    public Dictionary<string, string> Metadata { get; set; } = [];
}

/// <summary>One message of a batch.</summary>
/// <typeparam name="TValue">Its content.</typeparam>
public class BulkSubscribeMessageEntry<TValue>
{
    /// <summary>For the serializer.</summary>
    public BulkSubscribeMessageEntry()
    {
    }

    /// <summary>For tests.</summary>
    public BulkSubscribeMessageEntry(string entryId, string contentType, Dictionary<string, string> metadata, TValue eventData)
    {
        EntryId = entryId;
        ContentType = contentType;
        Metadata = metadata;
        Event = eventData;
    }

    /// <summary>Names the message in the answer.</summary>
    public string EntryId { get; set; } = "";

    /// <summary>Content type of <see cref="Event"/>.</summary>
    public string ContentType { get; set; } = "";

    /// <summary>Metadata of the message.</summary>
    public Dictionary<string, string> Metadata { get; set; } = [];

    /// <summary>The content.</summary>
    public TValue Event { get; set; } = default!;
}

/// <summary>An entry's envelope.</summary>
/// <typeparam name="TValue">What was published.</typeparam>
public class BulkMessageModel<TValue>
{
    /// <summary>For the serializer.</summary>
    public BulkMessageModel()
    {
    }

    /// <summary>For tests.</summary>
    public BulkMessageModel(string id, string source, string type, string specversion, string datacontenttype, TValue data)
    {
        Id = id;
        Source = source;
        Type = type;
        Specversion = specversion;
        Datacontenttype = datacontenttype;
        Data = data;
    }

    /// <summary>Id of the event.</summary>
    public string Id { get; set; } = "";

    /// <summary>App that published it.</summary>
    public string Source { get; set; } = "";

    /// <summary>Type of the event.</summary>
    public string Type { get; set; } = "";

    /// <summary>Version of the envelope.</summary>
    public string Specversion { get; set; } = "";

    /// <summary>Content type of <see cref="Data"/>.</summary>
    public string Datacontenttype { get; set; } = "";

    /// <summary>What was published.</summary>
    public TValue Data { get; set; } = default!;
}

/// <summary>What a bulk handler answers. An entry without a status is delivered again.</summary>
public class BulkSubscribeAppResponse
{
    /// <summary>The statuses of the entries.</summary>
    public BulkSubscribeAppResponse(List<BulkSubscribeAppResponseEntry> statuses) => Statuses = statuses;

    /// <summary>The statuses of the entries.</summary>
    public List<BulkSubscribeAppResponseEntry> Statuses { get; }
}

/// <summary>What became of one entry.</summary>
public class BulkSubscribeAppResponseEntry
{
    /// <summary>The status of an entry.</summary>
    public BulkSubscribeAppResponseEntry(string entryId, BulkSubscribeAppResponseStatus status)
    {
        EntryId = entryId;
        Status = status.ToString();
    }

    /// <summary>Id of the entry.</summary>
    public string EntryId { get; }

    /// <summary>Name of a <see cref="BulkSubscribeAppResponseStatus"/>.</summary>
    public string Status { get; }
}

/// <summary>What may become of an entry.</summary>
public enum BulkSubscribeAppResponseStatus
{
    /// <summary>Handled.</summary>
    SUCCESS,

    /// <summary>To be delivered again.</summary>
    RETRY,

    /// <summary>Never to be delivered again; goes to the dead-letter topic if there is one.</summary>
    DROP,
}
