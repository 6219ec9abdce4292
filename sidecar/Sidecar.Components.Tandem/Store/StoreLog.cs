using System.Globalization;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The files of a store: <c>NNNNNNNN.log</c> and <c>NNNNNNNN.snapshot</c>, the latter being everything before the log of
/// the same number. Opening reads the newest snapshot and the logs from its number on. Used by one thread at a time.
/// </summary>
internal sealed class StoreLog(IStoreFiles files, string directory, int snapshotFrameBytes) : IDisposable
{
    private const string Unfinished = ".new";

    private IStoreFile? _file;
    private long _number;
    private long _offset;
    private long _flushedOffset;
    private int _unflushed;
    private bool _touched;
    private long _nextFrame = 1;

    /// <summary>Bytes of log since the newest snapshot.</summary>
    public long Size { get; private set; }

    /// <summary>Bytes of the newest snapshot.</summary>
    public long SnapshotSize { get; private set; }

    /// <summary>Reads everything into the model and makes ready to append. Cuts a torn end off the last log.</summary>
    public void Open(StoreModel model)
    {
        var (snapshots, logs) = List();
        var first = snapshots.LastOrDefault();
        if (first > 0)
        {
            ReadSnapshot(model, first);
        }
        else if (logs.Count == 0)
        {
            Start(1);
            return;
        }

        first = Math.Max(first, 1);
        logs.RemoveAll(number => number < first);
        for (var i = 0; i < logs.Count || i == 0; i++)
        {
            if (logs.Count == 0 || logs[i] != first + i)
            {
                throw new ComponentException(
                    $"store file '{LogPath(first + i)}' is missing; restore it from a copy, or {FrameFormat.Reset}");
            }

            ReadLog(model, logs[i], isLast: i == logs.Count - 1);
        }

        // The process before this one may have ended between a write and its flush. What has been read is what counts from now on,
        // so it must last, and before anything is deleted in its favour.
        _touched = true;
        Flush();
        files.FlushDirectory(directory);
        DeleteBefore(first);
        foreach (var name in files.List(directory).Where(name => name.EndsWith(Unfinished, StringComparison.Ordinal)))
        {
            files.Delete(Path.Combine(directory, name));
        }
    }

    /// <summary>Appends a frame; the buffer's payload is in place. A <see cref="DiskFullException"/> leaves the log as it was.</summary>
    public void Append(RecordBuffer buffer)
    {
        if (_unflushed == FrameFormat.MaxUnflushed)
        {
            Flush();
        }

        var frame = buffer.Frame;
        FrameFormat.Seal(frame, _nextFrame, _unflushed);
        _touched = true;
        try
        {
            _file!.Write(_offset, frame);
        }
        catch (DiskFullException)
        {
            _file!.Truncate(_offset);
            // Not only cut but gone: the disk might keep what did fit and not the cut, and fill with zeros what later frames begin behind. That would complete a frame that ends
            // with zeros.
            Flush();
            throw;
        }

        _offset += frame.Length;
        Size += frame.Length;
        _nextFrame++;
        _unflushed++;
    }

    /// <summary>Makes everything appended last.</summary>
    public void Flush()
    {
        if (!_touched)
        {
            return;
        }

        try
        {
            _file!.Flush();
        }
        catch (IOException)
        {
            // The system may have dropped it and still show it: the next process would take it for written.
            CutUnflushed();
            throw;
        }

        _flushedOffset = _offset;
        _unflushed = 0;
        _touched = false;
    }

    /// <summary>Ends the log and begins the next, whose number and first frame are returned: a snapshot takes them.</summary>
    public (long Number, long FirstFrame) Roll()
    {
        Flush();
        _file!.Dispose();
        Start(_number + 1);
        Size = 0;
        return (_number, _nextFrame);
    }

    /// <summary>Writes the file of a snapshot that belongs before a log, under a name that nobody reads. Any thread.</summary>
    public void WriteSnapshot(StoreModel model, long number, long firstFrame, CancellationToken cancellationToken)
    {
        var path = SnapshotPath(number) + Unfinished;
        files.Delete(path);
        try
        {
            using var file = files.Open(path, create: true);
            FrameFormat.WriteFileHeader(file, StoreFileKind.Snapshot, firstFrame);
            SnapshotWriter.Write(file, model, firstFrame, snapshotFrameBytes, cancellationToken);
            file.Flush();
        }
        catch
        {
            files.Delete(path);
            throw;
        }
    }

    /// <summary>
    /// Gives the snapshot its name and deletes what it makes needless. Everything that it shows must be on the disk: what is
    /// lost from the log must not live on in it.
    /// </summary>
    public void InstallSnapshot(long number)
    {
        var path = SnapshotPath(number);
        files.Move(path + Unfinished, path);
        files.FlushDirectory(directory);
        using (var file = files.Open(path, create: false))
        {
            SnapshotSize = file.Length;
        }

        DeleteBefore(number);
    }

    public void Dispose() => _file?.Dispose();

    private void Start(long number)
    {
        _file = files.Open(LogPath(number), create: true);
        FrameFormat.WriteFileHeader(_file, StoreFileKind.Log, _nextFrame);
        _file.Flush();
        files.FlushDirectory(directory);
        _number = number;
        _offset = FrameFormat.FileHeaderSize;
        _flushedOffset = _offset;
        _unflushed = 0;
        _touched = false;
    }

    private void CutUnflushed()
    {
        try
        {
            _file!.Truncate(_flushedOffset);
        }
        catch (IOException)
        {
            // The disk fails altogether; the first error says so.
        }
    }

    private void ReadSnapshot(StoreModel model, long number)
    {
        var path = SnapshotPath(number);
        using var file = files.Open(path, create: false);
        var reader = new FrameReader(file, path);
        reader.ReadHeader(StoreFileKind.Snapshot);
        _nextFrame = reader.Number;
        var complete = false;
        while (reader.TryRead(out var payload))
        {
            model.Replay(payload, path, reader.PayloadOffset, out complete);
        }

        // A snapshot gets its name when it is complete, so anything missing is damage.
        if (!complete)
        {
            throw FrameFormat.Damaged(path, reader.Offset);
        }

        SnapshotSize = file.Length;
    }

    private void ReadLog(StoreModel model, long number, bool isLast)
    {
        var path = LogPath(number);
        var file = files.Open(path, create: false);
        try
        {
            var reader = new FrameReader(file, path);
            if (isLast && reader.HasTornHeader())
            {
                // The process ended between creating the file and its first flush; nothing can be in it.
                FrameFormat.WriteFileHeader(file, StoreFileKind.Log, _nextFrame);
                reader = new FrameReader(file, path);
            }

            reader.ReadHeader(StoreFileKind.Log);
            if (reader.Number != _nextFrame)
            {
                throw FrameFormat.Damaged(path, 0);
            }

            while (reader.TryRead(out var payload))
            {
                model.Replay(payload, path, reader.PayloadOffset, out _);
            }

            if (reader.Offset < file.Length)
            {
                if (!isLast || reader.BreakIsDamage())
                {
                    throw FrameFormat.Damaged(path, reader.Offset);
                }

                // The last commit was not finished, so nobody was told that it happened.
                file.Truncate(reader.Offset);
            }

            if (isLast)
            {
                // A flush may have failed, and the system shows what it lost all the same: only what is written again is flushed again.
                WriteAgain(file, reader.FlushedThrough, reader.Offset);
            }

            _nextFrame = reader.Number;
            Size += reader.Offset;
            if (isLast)
            {
                _number = number;
                _offset = reader.Offset;
                _flushedOffset = reader.Offset;
                _file = file;
            }
        }
        finally
        {
            if (!ReferenceEquals(_file, file))
            {
                file.Dispose();
            }
        }
    }

    private static void WriteAgain(IStoreFile file, long from, long to)
    {
        var bytes = new byte[Math.Min(to - from, 1024 * 1024)];
        for (; from < to; from += bytes.Length)
        {
            var part = bytes.AsSpan(0, (int)Math.Min(to - from, bytes.Length));
            file.Read(from, part);
            file.Write(from, part);
        }
    }

    private void DeleteBefore(long number)
    {
        var (snapshots, logs) = List();
        foreach (var old in snapshots.Where(old => old < number))
        {
            files.Delete(SnapshotPath(old));
        }

        foreach (var old in logs.Where(old => old < number))
        {
            files.Delete(LogPath(old));
        }
    }

    private (List<long> Snapshots, List<long> Logs) List()
    {
        var snapshots = new List<long>();
        var logs = new List<long>();
        foreach (var name in files.List(directory))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                (Path.GetExtension(name) switch { ".snapshot" => snapshots, ".log" => logs, _ => null })?.Add(number);
            }
        }

        snapshots.Sort();
        logs.Sort();
        return (snapshots, logs);
    }

    private string LogPath(long number) => Path.Combine(directory, number.ToString("D8", CultureInfo.InvariantCulture) + ".log");

    private string SnapshotPath(long number) => Path.Combine(directory, number.ToString("D8", CultureInfo.InvariantCulture) + ".snapshot");
}
