namespace Sidecar.Components.Keys;

/// <summary>
/// Keys in ordinal order: a skip list with one writer at a time and readers that take no lock. A removed node keeps its
/// links, so a reader that stands on it goes on; what was there during a whole walk is seen by it.
/// </summary>
internal sealed class OrderedKeys
{
    private const int MaxHeight = 20;

    private readonly Node _head = new("", MaxHeight);
    private readonly Node[] _path = new Node[MaxHeight];
    private uint _random = 2463534242;

    /// <summary>Adds the key unless it is there. One writer at a time.</summary>
    public void Add(string key)
    {
        if (FindPath(key)?.Key == key)
        {
            return;
        }

        var node = new Node(key, RandomHeight());
        for (var level = 0; level < node.Next.Length; level++)
        {
            node.Next[level] = _path[level].Next[level];
        }

        // Bottom up: a reader that finds the node on a level finds it on all levels below.
        for (var level = 0; level < node.Next.Length; level++)
        {
            Volatile.Write(ref _path[level].Next[level], node);
        }
    }

    /// <summary>Fills an empty list with keys that are in order.</summary>
    public void Fill(IReadOnlyList<string> keys)
    {
        Array.Fill(_path, _head);
        foreach (var key in keys)
        {
            var node = new Node(key, RandomHeight());
            for (var level = 0; level < node.Next.Length; level++)
            {
                Volatile.Write(ref _path[level].Next[level], node);
                _path[level] = node;
            }
        }
    }

    /// <summary>Removes the key if it is there. One writer at a time.</summary>
    public void Remove(string key)
    {
        if (FindPath(key) is not { } node || node.Key != key)
        {
            return;
        }

        for (var level = node.Next.Length - 1; level >= 0; level--)
        {
            Volatile.Write(ref _path[level].Next[level], node.Next[level]);
        }
    }

    /// <summary>Keys that begin with the prefix, in ordinal order.</summary>
    public IEnumerable<string> StartingWith(string prefix)
    {
        var node = _head;
        for (var level = MaxHeight - 1; level >= 0; level--)
        {
            while (Volatile.Read(ref node.Next[level]) is { } next && string.CompareOrdinal(next.Key, prefix) < 0)
            {
                node = next;
            }
        }

        for (var found = Volatile.Read(ref node.Next[0]);
             found is not null && found.Key.StartsWith(prefix, StringComparison.Ordinal);
             found = Volatile.Read(ref found.Next[0]))
        {
            yield return found.Key;
        }
    }

    // Leaves the last node before the key on every level in _path and returns the first node that is not before the key.
    private Node? FindPath(string key)
    {
        var node = _head;
        for (var level = MaxHeight - 1; level >= 0; level--)
        {
            while (node.Next[level] is { } next && string.CompareOrdinal(next.Key, key) < 0)
            {
                node = next;
            }

            _path[level] = node;
        }

        return node.Next[0];
    }

    // Geometric with p = 1/4 from a xorshift generator: no key pattern can make the list degenerate into a chain.
    private int RandomHeight()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return Math.Min(MaxHeight, 1 + System.Numerics.BitOperations.TrailingZeroCount(_random) / 2);
    }

    private sealed class Node(string key, int height)
    {
        public readonly string Key = key;
        public readonly Node?[] Next = new Node?[height];
    }
}
