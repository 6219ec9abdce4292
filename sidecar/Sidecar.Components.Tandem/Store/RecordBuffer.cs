using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Tandem.Store;

/// <summary>A growing buffer that records are encoded into, with room for a frame header in front. Reused for every commit.</summary>
internal sealed class RecordBuffer
{
    private const int KeepCapacity = 8 * 1024 * 1024;
    private byte[] _bytes = new byte[64 * 1024];

    public RecordBuffer() => Clear();

    /// <summary>Bytes used, header included.</summary>
    public int Length { get; private set; }

    public bool IsEmpty => Length == FrameFormat.HeaderSize;

    public Span<byte> Frame => _bytes.AsSpan(0, Length);

    public void Clear()
    {
        Length = FrameFormat.HeaderSize;
        if (_bytes.Length > KeepCapacity)
        {
            _bytes = new byte[64 * 1024];
        }
    }

    /// <summary>Takes back what was written after an earlier <see cref="Length"/>.</summary>
    public void TruncateTo(int length) => Length = length;

    public void WriteKind(RecordKind kind) => Reserve(1)[0] = (byte)kind;

    /// <summary>A number that is not negative, 7 bits per byte.</summary>
    public void WriteNumber(long value)
    {
        var rest = (ulong)value;
        var span = Peek(10);
        var count = 0;
        for (; rest >= 0x80; rest >>= 7)
        {
            span[count++] = (byte)(rest | 0x80);
        }

        span[count++] = (byte)rest;
        Length += count;
    }

    public void WriteString(string text)
    {
        var size = Encoding.UTF8.GetByteCount(text);
        WriteNumber(size);
        Encoding.UTF8.GetBytes(text, Reserve(size));
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteNumber(bytes.Length);
        bytes.CopyTo(Reserve(bytes.Length));
    }

    public void WriteMetadata(ComponentMetadata metadata)
    {
        WriteNumber(metadata.Count);
        foreach (var (name, value) in metadata)
        {
            WriteString(name);
            WriteString(value);
        }
    }

    private Span<byte> Reserve(int size)
    {
        var span = Peek(size)[..size];
        Length += size;
        return span;
    }

    private Span<byte> Peek(int size)
    {
        if (_bytes.Length - Length < size)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + size));
        }

        return _bytes.AsSpan(Length);
    }
}

/// <summary>Reads what <see cref="RecordBuffer"/> wrote. The bytes have passed their checksum.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> bytes)
{
    private readonly int _length = bytes.Length;
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _length - _rest.Length;

    public RecordKind ReadKind() => (RecordKind)Take(1)[0];

    public long ReadNumber()
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return (long)value;
            }
        }
    }

    public string ReadString() => Encoding.UTF8.GetString(Take((int)ReadNumber()));

    public byte[] ReadBytes() => ReadSpan().ToArray();

    public ReadOnlySpan<byte> ReadSpan() => Take((int)ReadNumber());

    public ComponentMetadata ReadMetadata()
    {
        var count = (int)ReadNumber();
        if (count == 0)
        {
            return ComponentMetadata.Empty;
        }

        var values = new List<KeyValuePair<string, string>>();
        for (var i = 0; i < count; i++)
        {
            values.Add(new(ReadString(), ReadString()));
        }

        return new ComponentMetadata(values);
    }

    private ReadOnlySpan<byte> Take(int size)
    {
        var taken = _rest[..size];
        _rest = _rest[size..];
        return taken;
    }
}

/// <summary>What a record says. The numbers are the file format.</summary>
internal enum RecordKind : byte
{
    /// <summary>table, key, version, expiry, value</summary>
    Put = 1,
    /// <summary>table, key</summary>
    Delete = 2,
    /// <summary>component, topic, sequence, published, expiry, metadata, data</summary>
    Append = 3,
    /// <summary>component, topic, group, acknowledged through</summary>
    Group = 4,
    /// <summary>component, topic, group, sequence</summary>
    Acknowledge = 5,
    /// <summary>component, topic, group, sequence, failures</summary>
    Failure = 6,
    /// <summary>Snapshot only: last version given out</summary>
    Version = 7,
    /// <summary>Snapshot only: component, topic, first sequence, next sequence</summary>
    Topic = 8,
    /// <summary>Snapshot only: as <see cref="Append"/></summary>
    Entry = 9,
    /// <summary>Snapshot only: nothing follows</summary>
    End = 10,
    /// <summary>Snapshot only: component, topic, group, first and last sequence</summary>
    AcknowledgeRange = 11,
}
