namespace Launcher.Logs;

/// <summary>Log of one process: a file, the console, and the last lines for the report of a death.</summary>
internal sealed class ProcessLog : IDisposable
{
    public const int TailLines = 20;

    /// <summary>At this size the file becomes <c>NAME.1</c> and a new one begins, bytes.</summary>
    public const long MaxFileBytes = 64 * 1024 * 1024;

    private readonly LogMerger _merger;
    private readonly bool _onConsole;
    private readonly Queue<string> _tail = new(TailLines);
    private StreamWriter? _file;

    internal ProcessLog(LogMerger merger, string name, int colour, string path, bool onConsole)
    {
        _merger = merger;
        _onConsole = onConsole;
        Name = name;
        Colour = colour;
        Path = path;
        _file = Create();
    }

    public string Name { get; }

    public string Path { get; }

    internal int Colour { get; }

    public void Write(string line)
    {
        lock (_tail)
        {
            if (_file is null)
            {
                return;
            }

            if (_tail.Count == TailLines)
            {
                _tail.Dequeue();
            }

            _tail.Enqueue(line);
            if (_file.BaseStream.Length >= MaxFileBytes)
            {
                _file.Dispose();
                File.Move(Path, Path + ".1", overwrite: true);
                _file = Create();
            }

            _file.WriteLine(line);
        }

        if (_onConsole)
        {
            _merger.Write(this, line);
        }
    }

    /// <summary>The last lines since the previous call.</summary>
    public IReadOnlyList<string> TakeTail()
    {
        lock (_tail)
        {
            string[] lines = [.. _tail];
            _tail.Clear();
            return lines;
        }
    }

    public void Dispose()
    {
        lock (_tail)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    private StreamWriter Create() =>
        new(new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
}
