using Sidecar.Components.Tandem.Files;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem.Tests.Disk;

/// <summary>
/// A disk in memory that promises as little as POSIX does. What is written shows at once, but only <see cref="IStoreFile.Flush"/>
/// makes bytes of a file last and only <see cref="FlushDirectory"/> makes names of a folder last. When the power goes, whatever
/// was not flushed is dropped, torn or kept out of order, by the seed.
/// </summary>
internal sealed class SimulatedDisk(int seed) : IStoreFiles
{
    private readonly object _gate = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Pace> _paces = new(StringComparer.Ordinal);
    private SimulatedFolder _root = new();
    private long _operations;
    private long _endAfter = long.MaxValue;
    private bool _ended;
    private int _life;

    /// <summary>Sabotage: a flush of a file whose path this names says that it is done, and does nothing.</summary>
    public Func<string, bool> FlushLies { get; init; } = static _ => false;

    /// <summary>Sabotage: a flush of a folder says that it is done, and does nothing.</summary>
    public bool FlushDirectoryLies { get; init; }

    /// <summary>Most bytes of all files together; a write beyond them writes what fits and fails.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>The next flush of a file whose path this names fails and, as Linux does, forgets what it did not write.</summary>
    public Func<string, bool> FlushFails { get; set; } = static _ => false;

    /// <summary>Whether nothing may be changed.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>Bytes of all files.</summary>
    public long Used
    {
        get
        {
            lock (_gate)
            {
                return _root.Size();
            }
        }
    }

    /// <summary>The process, or the machine with it, ends in the operation so many from now: it and all after it fail.</summary>
    public void EndAfter(long operations)
    {
        lock (_gate)
        {
            _endAfter = _operations + operations;
        }
    }

    /// <summary>From here on every operation fails, as if the process had just ended.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var pace in _paces.Values)
            {
                pace.LetGo();
            }
        }
    }

    /// <summary>
    /// The disk as the next process finds it: all that was written when only the process has ended, else what was flushed and
    /// by chance some of the rest.
    /// </summary>
    public void Restart(bool powerCut)
    {
        lock (_gate)
        {
            if (powerCut)
            {
                _root = _root.AfterPowerCut(_random);
            }

            _ended = false;
            _endAfter = long.MaxValue;
            _life++;
            _paces.Clear();
        }
    }

    /// <summary>
    /// From here on the operations of the folder's compactions wait for <see cref="Pace.Let"/>, so that commits come between them.
    /// </summary>
    public Pace Slow(string directory)
    {
        lock (_gate)
        {
            return _paces[directory] = new Pace();
        }
    }

    public bool DirectoryExists(string path)
    {
        lock (_gate)
        {
            return Find(path) is SimulatedFolder;
        }
    }

    public void CreateDirectory(string path) => Perform(path, () =>
    {
        if (Find(path) is null)
        {
            Folder(Parent(path)).Add(Name(path), new SimulatedFolder());
        }
    });

    public IReadOnlyList<string> List(string directory)
    {
        lock (_gate)
        {
            return Folder(directory).Files();
        }
    }

    public IStoreFile Open(string path, bool create)
    {
        SimulatedFile file = null!;
        Perform(path, () =>
        {
            var folder = Folder(Parent(path));
            var found = folder.Find(Name(path)) as SimulatedFile;
            file = (found, create) switch
            {
                (null, true) => folder.Add(Name(path), new SimulatedFile()),
                (null, false) => throw new FileNotFoundException(path),
                (_, true) => throw new IOException($"{path} exists"),
                _ => found,
            };
        });
        return new Handle(this, path, file, _life);
    }

    public void Delete(string path) => Perform(path, () => Folder(Parent(path)).Remove(Name(path)));

    public void Move(string from, string to) => Perform(to, () => Folder(Parent(to)).Rename(Name(from), Name(to)));

    public void FlushDirectory(string path) => Perform(path, () =>
    {
        if (!FlushDirectoryLies)
        {
            Folder(path).Flush();
        }
    });

    public IDisposable Lock(string directory) => new MemoryStream();

    // Whether the operation that is the last still happens is chance: the process may have been about to begin it.
    private void Perform(string path, Action operation, int life = -1)
    {
        Await(path);
        lock (_gate)
        {
            if (_ended || (life >= 0 && life != _life))
            {
                throw new ProcessEndedException();
            }

            if (ReadOnly)
            {
                throw new UnauthorizedAccessException($"Access to the path '{path}' is denied.");
            }

            if (++_operations < _endAfter)
            {
                operation();
                return;
            }

            if (_random.Next(2) == 0)
            {
                operation();
            }

            End();
            throw new ProcessEndedException();
        }
    }

    private void Await(string path)
    {
        if (Thread.CurrentThread.Name == Committer.ThreadName)
        {
            return;
        }

        Pace? pace;
        lock (_gate)
        {
            pace = _paces.GetValueOrDefault(path) ?? _paces.GetValueOrDefault(Parent(path));
        }

        pace?.Await();
    }

    private SimulatedFolder Folder(string path) => Find(path) as SimulatedFolder ?? throw new DirectoryNotFoundException(path);

    private SimulatedNode? Find(string path)
    {
        SimulatedNode? node = _root;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            node = (node as SimulatedFolder)?.Find(name);
        }

        return node;
    }

    private static string Parent(string path) => Path.GetDirectoryName(path) ?? "/";

    private static string Name(string path) => Path.GetFileName(path);

    private sealed class Handle(SimulatedDisk disk, string path, SimulatedFile file, int life) : IStoreFile
    {
        public long Length
        {
            get
            {
                lock (disk._gate)
                {
                    return file.Length;
                }
            }
        }

        public int Read(long offset, Span<byte> bytes)
        {
            lock (disk._gate)
            {
                return file.Read(offset, bytes);
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            var copy = bytes.ToArray();
            disk.Perform(path, () =>
            {
                var room = disk.Capacity - disk._root.Size();
                var growth = offset + copy.Length - file.Length;
                if (growth <= room)
                {
                    file.Write(offset, copy);
                    return;
                }

                file.Write(offset, copy[..(int)Math.Max(0, copy.Length - (growth - Math.Max(0, room)))]);
                throw new DiskFullException("No space left on device");
            }, life);
        }

        public void Flush() => disk.Perform(path, () =>
        {
            if (disk.FlushFails(path))
            {
                file.FailFlush(disk._random);
                throw new IOException("Input/output error");
            }

            if (!disk.FlushLies(path))
            {
                file.Flush();
            }
        }, life);

        public void Truncate(long length) => disk.Perform(path, () => file.Truncate(length), life);

        public void Dispose() { }
    }
}

/// <summary>What every file operation of a process throws that has ended.</summary>
internal sealed class ProcessEndedException() : IOException("the process has ended");
