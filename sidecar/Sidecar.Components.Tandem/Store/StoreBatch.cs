using Sidecar.Components.Broker;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The operations of one commit. Nothing of it is visible before it is on the disk: conditions are checked against the
/// tables with the batch's own changes laid over them, and <see cref="Apply"/> runs after the write.
/// </summary>
internal sealed class StoreBatch(StoreModel model)
{
    private readonly Dictionary<(KeyTable Table, string Key), KeyEntry?> _overlay = [];
    private readonly List<Change> _changes = [];
    private readonly List<(Topic Topic, TopicEntry Entry)> _appends = [];
    private readonly List<(Topic Topic, string Group, long AcknowledgedThrough)> _groups = [];

    public StoreModel Model { get; } = model;

    public RecordBuffer Buffer { get; } = new();

    /// <summary>Whether somebody waits for the disk.</summary>
    public bool MustFlush { get; set; }

    /// <summary>Whether something written should reach the disk soon though nobody waits for it.</summary>
    public bool ShouldFlush { get; set; }

    public void Clear()
    {
        _overlay.Clear();
        _changes.Clear();
        _appends.Clear();
        _groups.Clear();
        Buffer.Clear();
        MustFlush = false;
        ShouldFlush = false;
    }

    public KeyEntry? Find(KeyTable table, string key) =>
        _overlay.TryGetValue((table, key), out var pending) ? pending : table.Find(key);

    public Mark Position => new(Buffer.Length, _changes.Count);

    /// <summary>Takes back the key changes made after the position.</summary>
    public void RollBack(Mark position)
    {
        for (var i = _changes.Count - 1; i >= position.Changes; i--)
        {
            var change = _changes[i];
            if (change.HadPrevious)
            {
                _overlay[(change.Table, change.Key)] = change.Previous;
            }
            else
            {
                _overlay.Remove((change.Table, change.Key));
            }
        }

        _changes.RemoveRange(position.Changes, _changes.Count - position.Changes);
        Buffer.TruncateTo(position.Length);
    }

    public void Put(KeyTable table, KeyEntry entry)
    {
        Stage(table, entry.Key, entry);
        Records.Put(Buffer, table.Name, entry);
    }

    public void Delete(KeyTable table, string key)
    {
        Stage(table, key, null);
        Records.Delete(Buffer, table.Name, key);
    }

    /// <summary>Gives the entry the next sequence of the topic.</summary>
    public void Append(Topic topic, TopicEntry entry)
    {
        entry.Sequence = ++topic.Reserved;
        _appends.Add((topic, entry));
        Records.Entry(Buffer, RecordKind.Append, topic, entry);
    }

    public void AddGroup(Topic topic, string group, long acknowledgedThrough)
    {
        _groups.Add((topic, group, acknowledgedThrough));
        Records.Group(Buffer, topic, group, acknowledgedThrough);
    }

    /// <summary>Takes back what was given out for a commit that could not be written.</summary>
    public void Discard()
    {
        foreach (var (topic, _) in _appends)
        {
            topic.Reserved--;
        }
    }

    /// <summary>Makes everything visible.</summary>
    public void Apply()
    {
        foreach (var change in _changes)
        {
            if (change.Entry is null)
            {
                change.Table.Remove(change.Key);
            }
            else
            {
                change.Table.Put(change.Entry);
            }
        }

        foreach (var (topic, group, acknowledgedThrough) in _groups)
        {
            topic.Group(group, ephemeral: false, acknowledgedThrough);
        }

        foreach (var (topic, entry) in _appends)
        {
            topic.Append(entry);
        }
    }

    private void Stage(KeyTable table, string key, KeyEntry? entry)
    {
        var had = _overlay.TryGetValue((table, key), out var previous);
        _changes.Add(new Change(table, key, entry, had, previous));
        _overlay[(table, key)] = entry;
    }

    /// <summary>A point that <see cref="RollBack"/> returns to.</summary>
    public readonly record struct Mark(int Length, int Changes);

    private readonly record struct Change(KeyTable Table, string Key, KeyEntry? Entry, bool HadPrevious, KeyEntry? Previous);
}
