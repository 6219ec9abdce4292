using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.InMemory;

/// <summary>
/// The data behind one component name. Writers take turns; expired entries, hidden at once, are removed by the first write
/// after each <see cref="SweepInterval"/>.
/// </summary>
internal sealed class InMemoryTable(string name)
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, KeyEntry?> _staged = new(StringComparer.Ordinal);
    private long _version;
    private long _nextSweep;

    public KeyTable Keys { get; } = new(name);

    /// <summary>Checks all conditions, then performs all writes.</summary>
    public void Commit(IReadOnlyList<StateWrite> writes, long now)
    {
        foreach (var write in writes)
        {
            WriteConditions.CheckForm(write);
        }

        lock (_gate)
        {
            _staged.Clear();
            foreach (var write in writes)
            {
                WriteConditions.Check(write, _staged.TryGetValue(write.Key, out var staged) ? staged : Keys.FindLive(write.Key, now));
                _staged[write.Key] = write.Value is { } value
                    ? new KeyEntry(write.Key, value.ToArray(), ++_version, KeyEntry.ExpiryOf(write.Ttl, now))
                    : null;
            }

            foreach (var (key, entry) in _staged)
            {
                if (entry is null)
                {
                    Keys.Remove(key);
                }
                else
                {
                    Keys.Put(entry);
                }
            }

            if (now >= _nextSweep)
            {
                _nextSweep = now + SweepInterval.Ticks;
                foreach (var expired in Keys.FindExpired(now))
                {
                    Keys.Remove(expired.Key);
                }
            }
        }
    }
}
