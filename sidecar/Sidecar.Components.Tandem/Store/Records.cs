using Sidecar.Components.Broker;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem.Store;

/// <summary>The records of <see cref="RecordKind"/>, field by field.</summary>
internal static class Records
{
    public static void Put(RecordBuffer buffer, string table, KeyEntry entry)
    {
        buffer.WriteKind(RecordKind.Put);
        buffer.WriteString(table);
        buffer.WriteString(entry.Key);
        buffer.WriteNumber(entry.Version);
        buffer.WriteNumber(entry.ExpiresAt);
        buffer.WriteBytes(entry.Value);
    }

    public static void Delete(RecordBuffer buffer, string table, string key)
    {
        buffer.WriteKind(RecordKind.Delete);
        buffer.WriteString(table);
        buffer.WriteString(key);
    }

    public static void Entry(RecordBuffer buffer, RecordKind kind, Topic topic, TopicEntry entry)
    {
        Begin(buffer, kind, topic);
        buffer.WriteNumber(entry.Sequence);
        buffer.WriteNumber(entry.PublishedAt);
        buffer.WriteNumber(entry.ExpiresAt);
        buffer.WriteMetadata(entry.Metadata);
        buffer.WriteBytes(entry.Data);
    }

    public static void Group(RecordBuffer buffer, Topic topic, string group, long acknowledgedThrough)
    {
        Begin(buffer, RecordKind.Group, topic);
        buffer.WriteString(group);
        buffer.WriteNumber(acknowledgedThrough);
    }

    public static void Acknowledge(RecordBuffer buffer, Topic topic, string group, long sequence)
    {
        Begin(buffer, RecordKind.Acknowledge, topic);
        buffer.WriteString(group);
        buffer.WriteNumber(sequence);
    }

    public static void AcknowledgeRange(RecordBuffer buffer, Topic topic, string group, long first, long last)
    {
        Begin(buffer, RecordKind.AcknowledgeRange, topic);
        buffer.WriteString(group);
        buffer.WriteNumber(first);
        buffer.WriteNumber(last);
    }

    public static void Failure(RecordBuffer buffer, Topic topic, string group, long sequence, int failures)
    {
        Begin(buffer, RecordKind.Failure, topic);
        buffer.WriteString(group);
        buffer.WriteNumber(sequence);
        buffer.WriteNumber(failures);
    }

    public static void Topic(RecordBuffer buffer, Topic topic, long first, long next)
    {
        Begin(buffer, RecordKind.Topic, topic);
        buffer.WriteNumber(first);
        buffer.WriteNumber(next);
    }

    public static void Version(RecordBuffer buffer, long version)
    {
        buffer.WriteKind(RecordKind.Version);
        buffer.WriteNumber(version);
    }

    public static void End(RecordBuffer buffer) => buffer.WriteKind(RecordKind.End);

    private static void Begin(RecordBuffer buffer, RecordKind kind, Topic topic)
    {
        buffer.WriteKind(kind);
        buffer.WriteString(topic.Broker.Name);
        buffer.WriteString(topic.Name);
    }
}
