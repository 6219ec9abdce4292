using System.Text;
using Sidecar.Components.Keys;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The keys of a replay and where their values are. Most of a large log is values that were replaced, deleted or have expired
/// since; only what is live at the end is read and takes memory.
/// </summary>
internal sealed class KeyReplay
{
    private const int WindowBytes = 256 * 1024;

    private readonly Dictionary<string, Dictionary<string, Place>> _tables = new(StringComparer.Ordinal);
    private byte[] _tableName = [];
    private Dictionary<string, Place>.AlternateLookup<ReadOnlySpan<char>> _table;

    /// <summary>Where a value is, and what goes with it.</summary>
    public readonly record struct Place(long Version, long ExpiresAt, string Path, long Offset, int Length);

    public void Put(ReadOnlySpan<byte> table, ReadOnlySpan<byte> key, Place place)
    {
        Span<char> buffer = stackalloc char[256];
        FindTable(table)[Decode(key, buffer)] = place;
    }

    public void Delete(ReadOnlySpan<byte> table, ReadOnlySpan<byte> key)
    {
        Span<char> buffer = stackalloc char[256];
        FindTable(table).Remove(Decode(key, buffer));
    }

    /// <summary>The tables with what has not expired, read in the order of the files; forgets them.</summary>
    public IEnumerable<(string Table, IEnumerable<KeyEntry> Entries)> Read(IStoreFiles files, long now)
    {
        foreach (var (name, places) in _tables)
        {
            yield return (name, ReadTable(files, places, now));
        }

        _tables.Clear();
    }

    private static IEnumerable<KeyEntry> ReadTable(IStoreFiles files, Dictionary<string, Place> places, long now)
    {
        foreach (var inFile in places.Where(pair => pair.Value.ExpiresAt > now).GroupBy(pair => pair.Value.Path))
        {
            using var file = files.Open(inFile.Key, create: false);
            var window = new byte[WindowBytes];
            var (start, length) = (0L, 0);
            foreach (var (key, place) in inFile.OrderBy(pair => pair.Value.Offset))
            {
                if (place.Length > window.Length)
                {
                    window = new byte[place.Length];
                    length = 0;
                }

                if (place.Offset + place.Length > start + length)
                {
                    (start, length) = (place.Offset, file.Read(place.Offset, window));
                }

                var from = (int)(place.Offset - start);
                if (from + place.Length > length)
                {
                    throw FrameFormat.Damaged(place.Path, place.Offset);
                }

                yield return new KeyEntry(key, window.AsSpan(from, place.Length).ToArray(), place.Version, place.ExpiresAt);
            }
        }
    }

    // The records of a commit are of one table, mostly.
    private Dictionary<string, Place>.AlternateLookup<ReadOnlySpan<char>> FindTable(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual(_tableName))
        {
            return _table;
        }

        var text = Encoding.UTF8.GetString(name);
        if (!_tables.TryGetValue(text, out var table))
        {
            _tables.Add(text, table = new(StringComparer.Ordinal));
        }

        _tableName = name.ToArray();
        return _table = table.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private static ReadOnlySpan<char> Decode(ReadOnlySpan<byte> key, Span<char> buffer) =>
        key.Length <= buffer.Length ? buffer[..Encoding.UTF8.GetChars(key, buffer)] : Encoding.UTF8.GetString(key);
}
