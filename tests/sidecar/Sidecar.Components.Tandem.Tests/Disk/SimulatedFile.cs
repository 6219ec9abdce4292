namespace Sidecar.Components.Tandem.Tests.Disk;

/// <summary>A file or a folder of <see cref="SimulatedDisk"/>.</summary>
internal abstract class SimulatedNode
{
    /// <summary>Bytes of the file, or of all files below.</summary>
    public abstract long Size();

    /// <summary>The node that the next start of the machine finds.</summary>
    public abstract SimulatedNode AfterCut(Random random);
}

/// <summary>Bytes as programs see them, bytes on the disk, and the writes between the two.</summary>
internal sealed class SimulatedFile : SimulatedNode
{
    // Smaller than those of any disk: more ways to tear a small log.
    private const int PageSize = 64;

    private readonly List<Change> _pending = [];
    private Bytes _seen = new();
    private Bytes _durable = new();

    public long Length => _seen.Length;

    public override long Size() => Length;

    public int Read(long offset, Span<byte> bytes) => _seen.Read((int)offset, bytes);

    public void Write(long offset, byte[] bytes) => Perform(new Change((int)offset, bytes, 0));

    public void Truncate(long length) => Perform(new Change(0, null, (int)length));

    public void Flush()
    {
        foreach (var change in _pending)
        {
            change.ApplyTo(_durable);
        }

        _pending.Clear();
    }

    /// <summary>Writes some of what is pending and takes the rest for written: a later flush does not know of it.</summary>
    public void FailFlush(Random random)
    {
        _durable = Survivor(random);
        _pending.Clear();
    }

    public override SimulatedNode AfterCut(Random random)
    {
        var survivor = Survivor(random);
        return new SimulatedFile { _seen = survivor, _durable = survivor.Copy() };
    }

    private void Perform(Change change)
    {
        change.ApplyTo(_seen);
        _pending.Add(change);
    }

    private Bytes Survivor(Random random)
    {
        var bytes = _durable.Copy();
        switch (random.Next(5))
        {
            case 0:
                break;
            case 1:
                return _seen.Copy();
            case 2:
                // In order, the last one torn.
                var whole = random.Next(_pending.Count + 1);
                foreach (var change in _pending.Take(whole))
                {
                    change.ApplyTo(bytes);
                }

                _pending.Skip(whole).FirstOrDefault()?.Torn(random).ApplyTo(bytes);
                break;
            case 3:
                // Each on its own.
                foreach (var change in _pending.Where(_ => random.Next(2) == 0))
                {
                    change.ApplyTo(bytes);
                }

                break;
            default:
                KeepPages(bytes, random);
                break;
        }

        return bytes;
    }

    // Pages reach the disk in any order, and the length by itself.
    private void KeepPages(Bytes bytes, Random random)
    {
        var shorter = Math.Min(bytes.Length, _seen.Length);
        var longer = Math.Max(bytes.Length, _seen.Length);
        var length = random.Next(3) switch { 0 => bytes.Length, 1 => _seen.Length, _ => random.Next(shorter, longer + 1) };
        for (var page = 0; page < _seen.Length; page += PageSize)
        {
            if (random.Next(2) == 0)
            {
                bytes.Write(page, _seen.Span[page..Math.Min(page + PageSize, _seen.Length)]);
            }
        }

        bytes.SetLength(length);
    }

    private sealed record Change(int Offset, byte[]? Written, int Length)
    {
        public void ApplyTo(Bytes bytes)
        {
            if (Written is null)
            {
                bytes.SetLength(Length);
            }
            else
            {
                bytes.Write(Offset, Written);
            }
        }

        public Change Torn(Random random) => Written is null ? this : this with { Written = Written[..random.Next(Written.Length + 1)] };
    }

    private sealed class Bytes
    {
        private byte[] _bytes = [];

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

        public Bytes Copy() => new() { _bytes = Span.ToArray(), Length = Length };

        public int Read(int offset, Span<byte> target)
        {
            var count = Math.Clamp(Length - offset, 0, target.Length);
            _bytes.AsSpan(Math.Min(offset, Length), count).CopyTo(target);
            return count;
        }

        public void Write(int offset, ReadOnlySpan<byte> bytes)
        {
            SetLength(Math.Max(Length, offset + bytes.Length));
            bytes.CopyTo(_bytes.AsSpan(offset));
        }

        public void SetLength(int length)
        {
            if (length > _bytes.Length)
            {
                Array.Resize(ref _bytes, Math.Max(length, _bytes.Length * 2));
            }

            // What is given up does not come back when the file grows again.
            if (length < Length)
            {
                _bytes.AsSpan(length, Length - length).Clear();
            }

            Length = length;
        }
    }
}
