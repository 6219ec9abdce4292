using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>Reads a store file frame by frame through a window, so that opening needs no memory of the file's size.</summary>
internal sealed class FrameReader(IStoreFile file, string path)
{
    private const int WindowSize = 1024 * 1024;
    private byte[] _window = new byte[WindowSize];
    private long _windowStart;
    private int _windowLength;
    private long _number;

    /// <summary>Where the last payload began.</summary>
    public long PayloadOffset { get; private set; }

    /// <summary>Where the next frame begins: the length of what is sound.</summary>
    public long Offset { get; private set; }

    /// <summary>Up to here it was flushed: a frame read says so.</summary>
    public long FlushedThrough { get; private set; }

    /// <summary>Number of the next frame.</summary>
    public long Number => _number;

    /// <summary>Checks the file header and stands before the first frame.</summary>
    public void ReadHeader(StoreFileKind kind)
    {
        _number = FrameFormat.ReadFileHeader(Window(0, FrameFormat.FileHeaderSize), kind, path);
        Offset = FrameFormat.FileHeaderSize;
    }

    /// <summary>The next payload, valid until the next call. False at the end and at the first unsound frame.</summary>
    public bool TryRead(out ReadOnlySpan<byte> payload)
    {
        if (!TryReadAt(Offset, _number, out payload))
        {
            return false;
        }

        if (FrameFormat.FirstUnflushed(Window(Offset, FrameFormat.HeaderSize)) == _number)
        {
            FlushedThrough = Offset;
        }

        PayloadOffset = Offset + FrameFormat.HeaderSize;
        Offset = PayloadOffset + payload.Length;
        _number++;
        return true;
    }

    /// <summary>Whether the file ended before its header was flushed.</summary>
    public bool HasTornHeader() => FrameFormat.IsTornHeader(Window(0, FrameFormat.FileHeaderSize + 1));

    /// <summary>Whether a sound frame behind the break says that what broke had been on the disk.</summary>
    public bool BreakIsDamage()
    {
        var end = file.Length - FrameFormat.HeaderSize;
        for (var at = Offset + 1; at <= end; at++)
        {
            var header = Window(at, FrameFormat.HeaderSize);
            var found = FrameFormat.NumberOf(header);
            if (found > _number && found - _number <= file.Length && FrameFormat.FirstUnflushed(header) > _number && TryReadAt(at, found, out _))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryReadAt(long offset, long number, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var header = Window(offset, FrameFormat.HeaderSize);
        if (header.Length < FrameFormat.HeaderSize
            || FrameFormat.AnnouncedSize(header, number) is not (> 0 and var size)
            || size > file.Length - offset - FrameFormat.HeaderSize)
        {
            return false;
        }

        var frame = Window(offset, FrameFormat.HeaderSize + size);
        if (!FrameFormat.IsSound(frame))
        {
            return false;
        }

        payload = frame[FrameFormat.HeaderSize..];
        return true;
    }

    // Up to size bytes from the offset; fewer at the end of the file.
    private ReadOnlySpan<byte> Window(long offset, int size)
    {
        if (offset < _windowStart || offset + size > _windowStart + _windowLength)
        {
            if (_window.Length < size)
            {
                _window = new byte[size];
            }

            _windowStart = offset;
            _windowLength = file.Read(offset, _window);
        }

        var start = (int)(offset - _windowStart);
        return _window.AsSpan(start, Math.Min(size, _windowLength - start));
    }
}
