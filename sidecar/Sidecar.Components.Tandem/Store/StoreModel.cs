using System.Collections.Concurrent;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// What the files say, in memory: tables of keys and brokers with topics. Written by one thread (recovery, then the
/// committer), read by all.
/// </summary>
internal sealed class StoreModel(TimeProvider time, IBrokerJournal journal)
{
    private readonly ConcurrentDictionary<string, KeyTable> _tables = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MessageBroker> _brokers = new(StringComparer.Ordinal);
    private readonly KeyReplay _keys = new();

    public IEnumerable<KeyTable> Tables => _tables.Select(pair => pair.Value);

    public IEnumerable<MessageBroker> Brokers => _brokers.Select(pair => pair.Value);

    /// <summary>The last version given out; never goes back, so that an etag never means two values.</summary>
    public long Version { get; set; }

    /// <summary>About as many bytes as a snapshot would have.</summary>
    public long Bytes => Tables.Sum(table => table.Bytes) + Brokers.SelectMany(broker => broker.Topics).Sum(topic => topic.Bytes);

    public KeyTable Table(string name) => _tables.GetOrAdd(name, static name => new KeyTable(name));

    public MessageBroker Broker(string name) =>
        _brokers.GetOrAdd(name, static (name, parts) => new MessageBroker(name, parts.time, parts.journal), (time, journal));

    /// <summary>
    /// Performs the records of one frame, which is at the offset of the file. Doing it again, or over a snapshot that has it, changes
    /// nothing.
    /// </summary>
    public void Replay(ReadOnlySpan<byte> payload, string path, long offset, out bool end)
    {
        end = false;
        for (var reader = new RecordReader(payload); !reader.AtEnd;)
        {
            switch (reader.ReadKind())
            {
                case RecordKind.Put:
                    ReplayPut(ref reader, path, offset);
                    break;
                case RecordKind.Delete:
                    _keys.Delete(reader.ReadSpan(), reader.ReadSpan());
                    break;
                case RecordKind.Append:
                    ReadTopic(ref reader).Append(ReadEntry(ref reader));
                    break;
                case RecordKind.Entry:
                    ReadTopic(ref reader).Restore(ReadEntry(ref reader));
                    break;
                case RecordKind.Group:
                    ReadTopic(ref reader).Group(reader.ReadString(), ephemeral: false, reader.ReadNumber());
                    break;
                case RecordKind.Acknowledge:
                    ReadTopic(ref reader).ReplayAcknowledged(reader.ReadString(), reader.ReadNumber());
                    break;
                case RecordKind.AcknowledgeRange:
                    ReadTopic(ref reader).ReplayAcknowledged(reader.ReadString(), reader.ReadNumber(), reader.ReadNumber());
                    break;
                case RecordKind.Failure:
                    ReadTopic(ref reader).ReplayFailure(reader.ReadString(), reader.ReadNumber(), (int)reader.ReadNumber());
                    break;
                case RecordKind.Version:
                    Version = Math.Max(Version, reader.ReadNumber());
                    break;
                case RecordKind.Topic:
                    ReadTopic(ref reader).Restore(reader.ReadNumber(), reader.ReadNumber());
                    break;
                case RecordKind.End:
                    end = true;
                    break;
                case var unknown:
                    throw new InvalidDataException($"record kind {(byte)unknown}");
            }
        }
    }

    /// <summary>Reads the values that are live, and sets what the committer gives out next to what was found.</summary>
    public void EndReplay(IStoreFiles files)
    {
        foreach (var (table, entries) in _keys.Read(files, time.GetUtcNow().Ticks))
        {
            Table(table).Load(entries);
        }

        foreach (var topic in Brokers.SelectMany(broker => broker.Topics))
        {
            topic.Reserved = topic.Next - 1;
        }
    }

    private void ReplayPut(ref RecordReader reader, string path, long offset)
    {
        var table = reader.ReadSpan();
        var key = reader.ReadSpan();
        var (version, expiresAt) = (reader.ReadNumber(), reader.ReadNumber());
        var length = reader.ReadSpan().Length;
        _keys.Put(table, key, new KeyReplay.Place(version, expiresAt, path, offset + reader.Position - length, length));
        Version = Math.Max(Version, version);
    }

    private Topic ReadTopic(ref RecordReader reader) => Broker(reader.ReadString()).Topic(reader.ReadString());

    private static TopicEntry ReadEntry(ref RecordReader reader)
    {
        var sequence = reader.ReadNumber();
        var publishedAt = reader.ReadNumber();
        var expiresAt = reader.ReadNumber();
        var metadata = reader.ReadMetadata();
        return new TopicEntry(reader.ReadBytes(), metadata, publishedAt, expiresAt) { Sequence = sequence };
    }
}
