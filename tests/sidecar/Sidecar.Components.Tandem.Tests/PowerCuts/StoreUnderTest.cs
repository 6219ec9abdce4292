using System.Globalization;
using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Tandem.Files;
using Sidecar.Components.Tandem.Store;
using Sidecar.Components.Tandem.Tests.Disk;
using TestKit;

namespace Sidecar.Components.Tandem.Tests.PowerCuts;

/// <summary>
/// A store that is written at random, and the two states between which it must be found again: that of everything it has
/// acknowledged and that of everything it was given. Whatever is found must be the result of a prefix of the operations, in the
/// order in which they were submitted: so no acknowledged write is lost, no acknowledged delete undone, no transaction half done.
/// </summary>
internal sealed class StoreUnderTest(string directory, SimulatedDisk disk, ManualTimeProvider clock, Random random)
{
    private static readonly string[] Tables = ["state/a", "state/b"];
    private static readonly string[] TopicNames = ["orders", "events"];
    private static readonly string[] Groups = ["one", "two", "three"];

    // What is on the disk for certain, and what was submitted after it, in order.
    private ExpectedState _durable = new();
    private readonly List<Operation> _pending = [];
    private readonly HashSet<(string Topic, string Group)> _seen = [];
    private readonly Dictionary<long, string> _versions = [];
    private int _written;
    private bool _powerCut;
    private long _lastId;
    private FileStore? _store;
    private Pace? _pace;

    /// <summary>Operations acknowledged so far.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Compactions seen so far.</summary>
    public int Compactions { get; private set; }

    /// <summary>Opens the store after a restart and compares.</summary>
    public void Open()
    {
        _store = FileStore.Open(directory, new StoreOptions
        {
            Files = disk,
            Time = clock,

            // A store that cannot flush gives up what it has not flushed.
            Fault = exception => _powerCut |= exception.InnerException is not ProcessEndedException,
            CompactAfterBytes = random.Next(4) switch { 0 => 1, 1 => 100, 2 => 1_000, _ => 1_000_000 },
            SnapshotFrameBytes = random.Next(2) == 0 ? 200 : 1_000_000,
        });
        _pace = disk.Slow(directory);
        Check();
        _store.Broker("pubsub").Configure(new BrokerPolicy { RetainedMessages = random.Next(0, 5), Retention = TimeSpan.FromDays(1) });
    }

    /// <summary>Closes what is left after the end, or an orderly end when there was none.</summary>
    public async Task CloseAsync()
    {
        if (_store is { } store)
        {
            _store = null;
            _pace!.LetGo();
            await store.DisposeAsync();
        }
    }

    /// <summary>The process has ended, or the machine.</summary>
    public void Ended(bool powerCut) => _powerCut |= powerCut;

    /// <summary>
    /// Submits some operations at once and waits for them; when any may fail for want of room, one that somebody waits for. False when
    /// the store takes no more.
    /// </summary>
    public async Task<bool> RunAsync(bool nearlyFull)
    {
        var expected = Current();
        var submitted = new List<(Operation Operation, bool Allowed, Task Done)>();

        // The last is one that is waited for: nothing is left on its way.
        for (var count = random.Next(5) == 0 && !nearlyFull ? random.Next(1, 12) : 1; count > 0 || submitted[^1].Operation is PowerCuts.Acknowledge; count--)
        {
            var operation = Next(expected, nearlyFull);
            submitted.Add((operation, operation.Apply(expected), operation.SubmitAsync(_store!)));
        }

        var ended = false;
        foreach (var (operation, allowed, done) in submitted)
        {
            var refused = await RefusedAsync(done);
            if (refused is IOException { InnerException: DiskFullException } && !refused.Message.Contains("reopened", StringComparison.Ordinal))
            {
                continue;
            }

            if (refused is IOException or ObjectDisposedException)
            {
                ended = true;
            }
            else if (allowed == refused is ETagMismatchException)
            {
                throw new StoreDiffersException($"{operation} was answered with {refused?.GetType().Name ?? "success"}");
            }

            if (allowed)
            {
                _pending.Add(operation);
                if (refused is null && operation is not PowerCuts.Acknowledge)
                {
                    Acknowledged++;
                    _written = _pending.Count;
                    if (operation.Durability == Durability.Flushed)
                    {
                        Settle(_written);
                    }
                }
            }
        }

        Look();
        return !ended;
    }

    /// <summary>Lets a compaction that has begun go on by a few file operations.</summary>
    public void Compact()
    {
        var compaction = _store!.Compaction;
        if (!compaction.IsCompleted)
        {
            _pace!.Let(random.Next(1, 12), compaction);
            Compactions += compaction.IsCompleted ? 1 : 0;
        }
    }

    private static async Task<Exception?> RefusedAsync(Task done)
    {
        try
        {
            await done;
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    // So much of what is pending is there for certain.
    private void Settle(int count)
    {
        foreach (var operation in _pending.Take(count))
        {
            operation.Apply(_durable);
        }

        _pending.RemoveRange(0, count);
        _written = 0;
    }

    private ExpectedState Current()
    {
        var state = _durable.Copy();
        foreach (var operation in _pending)
        {
            operation.Apply(state);
        }

        return state;
    }

    // Compares with every state that the store may have been left in, and goes on from the one that it is in.
    private void Check()
    {
        // What the operating system had been given is lost with the machine only.
        Settle(_powerCut ? 0 : _written);
        var now = Now;
        var most = Current();
        var candidate = _durable.Copy();
        var first = Difference(candidate, most, now);
        var difference = first;
        for (var next = 0; difference is not null && next < _pending.Count; next++)
        {
            _pending[next].Apply(candidate);
            difference = Difference(candidate, most, now);
        }

        if (difference is not null)
        {
            throw new StoreDiffersException(_pending.Count == 0 ? first! : $"{first}; with all that was submitted: {difference}");
        }

        _durable = candidate;
        _pending.Clear();
        _written = 0;
        _powerCut = false;
        _seen.Clear();
        Look(recovered: true);
    }

    // Reads what only the store knows: the versions of new values, and where new groups begin.
    private void Look(bool recovered = false)
    {
        foreach (var (name, value) in _durable.Values.ToList())
        {
            if (value.Version is null && _store!.Table(name.Table).FindLive(name.Key, Now) is { } entry && Text(entry.Value) == value.Text)
            {
                if (!_versions.TryAdd(entry.Version, value.Text))
                {
                    throw new StoreDiffersException($"{name} has version {entry.Version}, which {_versions[entry.Version]} had before");
                }

                _durable.Values[name] = value with { Version = entry.Version };
            }
        }

        foreach (var (name, topic) in _durable.Topics)
        {
            var image = _store!.Broker("pubsub").Topic(name).Capture();
            var kept = image.Entries.Select(entry => entry.Sequence).ToHashSet();
            foreach (var group in image.Groups.Where(group => topic.Acknowledged.ContainsKey(group.Name) && _seen.Add((name, group.Name))))
            {
                var sequences = Enumerable.Range(1, topic.Messages.Count).Select(sequence => (long)sequence).ToList();
                if (recovered)
                {
                    topic.Acknowledged[group.Name].UnionWith(sequences.Where(sequence => IsAcknowledged(group, sequence)));
                }

                topic.NotFor[group.Name] = [.. sequences.Where(sequence => !kept.Contains(sequence) || IsAcknowledged(group, sequence))];
            }
        }
    }

    // What is wrong when the store should be in the state; acknowledgements may be ahead of the journal, as far as any were given.
    private string? Difference(ExpectedState state, ExpectedState most, long now)
    {
        foreach (var table in Tables)
        {
            var found = _store!.Table(table).Entries.Where(entry => entry.IsLive(now)).ToDictionary(entry => entry.Key);
            foreach (var (name, value) in state.Values)
            {
                if (name.Table != table || value.ExpiresAt <= now)
                {
                    continue;
                }

                if (!found.Remove(name.Key, out var entry))
                {
                    return $"{name} is gone, expected {value}";
                }

                if (Text(entry.Value) != value.Text || entry.ExpiresAt != value.ExpiresAt || (value.Version ?? entry.Version) != entry.Version)
                {
                    return $"{name} is {Text(entry.Value)} of version {entry.Version}, expected {value}";
                }
            }

            if (found.Count > 0)
            {
                return $"{table} has {string.Join(", ", found.Keys)}, expected none of them";
            }
        }

        return TopicNames.Select(name => Difference(name, state.Topic(name), most.Topic(name))).FirstOrDefault(text => text is not null);
    }

    private string? Difference(string name, ExpectedTopic expected, ExpectedTopic most)
    {
        var image = _store!.Broker("pubsub").Topic(name).Capture();
        if (image.Next != expected.Messages.Count + 1)
        {
            return $"{name} goes on with {image.Next}, expected {expected.Messages.Count + 1}";
        }

        if (!image.Groups.Select(group => group.Name).ToHashSet().SetEquals(expected.Acknowledged.Keys))
        {
            return $"{name} has {image.Groups.Length} groups, expected {expected.Acknowledged.Count}";
        }

        var kept = image.Entries.ToDictionary(entry => entry.Sequence, entry => Text(entry.Data));
        for (var sequence = 1; sequence <= expected.Messages.Count; sequence++)
        {
            var text = kept.GetValueOrDefault(sequence);
            if (text is null ? image.Groups.Length == 0 || image.Groups.Any(group => !IsAcknowledged(group, sequence) && IsFor(group, sequence)) : text != expected.Messages[sequence - 1])
            {
                return $"message {sequence} of {name} is '{text}', expected '{expected.Messages[sequence - 1]}'";
            }

            foreach (var group in image.Groups)
            {
                var acknowledged = IsAcknowledged(group, sequence);
                if (expected.Acknowledged[group.Name].Contains(sequence) && !acknowledged)
                {
                    return $"message {sequence} of {name} comes again to {group.Name}, which has acknowledged it";
                }

                if (acknowledged && text is not null && IsFor(group, sequence) && !most.Acknowledged[group.Name].Contains(sequence))
                {
                    return $"message {sequence} of {name} never comes to {group.Name}, which has not acknowledged it";
                }
            }
        }

        return null;

        bool IsFor(GroupImage group, long sequence) =>
            _durable.Topic(name).NotFor.TryGetValue(group.Name, out var notFor) && !notFor.Contains(sequence);
    }

    private Operation Next(ExpectedState state, bool nearlyFull)
    {
        var durability = random.Next(3) == 0 ? Durability.Written : Durability.Flushed;
        var topic = TopicNames[random.Next(TopicNames.Length)];
        var group = Groups[random.Next(Groups.Length)];
        switch (random.Next(10))
        {
            case 0 when !state.Topic(topic).Acknowledged.ContainsKey(group):
                return new Subscribe(topic, group, Now);
            case 1 or 2:
                return new Publish(topic, [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => NewText())], durability, Now);
            case 3 or 4 when !nearlyFull && _durable.Topic(topic).Acknowledged.ContainsKey(group) && Deliverable(topic, group) is > 0 and var sequence:
                return new Acknowledge(topic, group, sequence, Now);
            default:
                var table = Tables[random.Next(Tables.Length)];
                return new Write(table, [.. Enumerable.Range(0, random.Next(3) == 0 ? random.Next(2, 6) : 1).Select(_ => NextKey(state, table))], durability, Now);
        }
    }

    // A message that the group may have been given: it is on the disk, and not acknowledged.
    private long Deliverable(string topic, string group)
    {
        var acknowledged = _durable.Topic(topic).Acknowledged[group];
        var open = _pending.OfType<Acknowledge>().Where(given => given.Topic == topic && given.Group == group).Select(given => given.Sequence).ToHashSet();
        var choices = Enumerable.Range(1, _durable.Topic(topic).Messages.Count).Where(sequence => !acknowledged.Contains(sequence) && !open.Contains(sequence)).ToList();
        return choices.Count == 0 ? 0 : choices[random.Next(Math.Min(4, choices.Count))];
    }

    private KeyWrite NextKey(ExpectedState state, string table)
    {
        var key = $"key{random.Next(12)}";
        var version = random.Next(3) == 0 ? state.Live(table, key, Now)?.Version ?? _durable.Live(table, key, Now)?.Version : null;
        return new KeyWrite(
            key, random.Next(4) == 0 ? null : NewText(), version, version is null && random.Next(8) == 0,
            random.Next(5) == 0 ? TimeSpan.FromSeconds(random.Next(1, 60)) : null);
    }

    private string NewText() => (++_lastId).ToString(CultureInfo.InvariantCulture).PadRight(random.Next(10) == 0 ? random.Next(300) : random.Next(8, 40), '.');

    private long Now => clock.GetUtcNow().Ticks;

    private static bool IsAcknowledged(GroupImage group, long sequence) =>
        sequence <= group.AcknowledgedThrough || group.AcknowledgedBeyond.Any(range => range.First <= sequence && sequence <= range.Last);

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes);
}

/// <summary>The store is in no state that it may be in.</summary>
internal sealed class StoreDiffersException(string message, Exception? innerException = null) : Exception(message, innerException);
