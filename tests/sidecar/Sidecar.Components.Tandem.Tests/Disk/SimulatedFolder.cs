namespace Sidecar.Components.Tandem.Tests.Disk;

/// <summary>Names as programs see them, names on the disk, and the changes between the two.</summary>
internal sealed class SimulatedFolder : SimulatedNode
{
    private readonly List<Change> _pending = [];
    private Dictionary<string, SimulatedNode> _seen = new(StringComparer.Ordinal);
    private Dictionary<string, SimulatedNode> _durable = new(StringComparer.Ordinal);

    public override long Size() => _seen.Values.Sum(node => node.Size());

    public SimulatedNode? Find(string name) => _seen.GetValueOrDefault(name);

    public List<string> Files() => [.. _seen.Where(pair => pair.Value is SimulatedFile).Select(pair => pair.Key).Order(StringComparer.Ordinal)];

    public T Add<T>(string name, T node) where T : SimulatedNode
    {
        Perform(new Change(null, name, node));
        return node;
    }

    public void Remove(string name)
    {
        if (_seen.ContainsKey(name))
        {
            Perform(new Change(name, null, null));
        }
    }

    public void Rename(string from, string to) => Perform(new Change(from, to, _seen[from]));

    public void Flush()
    {
        _durable = new(_seen, StringComparer.Ordinal);
        _pending.Clear();
    }

    public SimulatedFolder AfterPowerCut(Random random)
    {
        var names = new Dictionary<string, SimulatedNode>(_durable, StringComparer.Ordinal);
        var inOrder = random.Next(2) == 0 ? random.Next(_pending.Count + 1) : (int?)null;
        foreach (var (index, change) in _pending.Index())
        {
            // A journal keeps the order; nothing in POSIX does.
            if (inOrder is { } count ? index < count : random.Next(2) == 0)
            {
                change.ApplyTo(names);
            }
        }

        var survivor = new SimulatedFolder();
        foreach (var (name, node) in names.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            survivor._seen[name] = node.AfterCut(random);
        }

        survivor.Flush();
        return survivor;
    }

    public override SimulatedNode AfterCut(Random random) => AfterPowerCut(random);

    private void Perform(Change change)
    {
        change.ApplyTo(_seen);
        _pending.Add(change);
    }

    private sealed record Change(string? Removed, string? Added, SimulatedNode? Node)
    {
        public void ApplyTo(Dictionary<string, SimulatedNode> names)
        {
            if (Removed is not null)
            {
                names.Remove(Removed);
            }

            if (Added is not null)
            {
                names[Added] = Node!;
            }
        }
    }
}
