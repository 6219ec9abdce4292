namespace Ai.Caching;

/// <summary>Answers in the memory of the process, bounded by bytes; the least recently used go first. MemoryCache at its limit turns new entries away instead.</summary>
internal sealed class AnswerMemory(long maxBytes, TimeProvider time)
{
    /// <summary>About what an entry takes beside its answer: key, node, place in the table.</summary>
    private const int Overhead = 400;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _byUse = new();
    private long _bytes;

    /// <summary>What is used now.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    public byte[]? Find(string key)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var node))
            {
                return null;
            }

            if (node.Value.Until <= time.GetUtcNow())
            {
                Remove(node);
                return null;
            }

            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Answer;
        }
    }

    public void Keep(string key, byte[] answer, DateTimeOffset until)
    {
        if (answer.Length + Overhead > maxBytes)
        {
            return;
        }

        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var old))
            {
                Remove(old);
            }

            _entries[key] = _byUse.AddFirst(new Entry(key, answer, until));
            _bytes += answer.Length + Overhead;
            while (_bytes > maxBytes)
            {
                Remove(_byUse.Last!);
            }
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _byUse.Remove(node);
        _entries.Remove(node.Value.Key);
        _bytes -= node.Value.Answer.Length + Overhead;
    }

    private readonly record struct Entry(string Key, byte[] Answer, DateTimeOffset Until);
}
