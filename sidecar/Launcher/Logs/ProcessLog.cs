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
    private bool _failed;
    private bool _closed;

    internal ProcessLog(LogMerger merger, string name, int colour, string path, bool onConsole)
    {
        _merger = merger;
        _onConsole = onConsole;
        Name = name;
        Colour = colour;
        Path = path;
        _file = Open(FileMode.Create);
    }

    public string Name { get; }

    public string Path { get; }

    internal int Colour { get; }

    /// <summary>Never throws: a disk that is full must not stop the reading of a process's output, or the process would block on it.</summary>
    public void Write(string line)
    {
        lock (_tail)
        {
            if (_closed)
            {
                return;
            }

            if (_tail.Count == TailLines)
            {
                _tail.Dequeue();
            }

            _tail.Enqueue(line);
            WriteToFile(line);
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
            _closed = true;
            CloseFile();
        }
    }

    /// <summary>A line that cannot be written is left out; the next one tries again.</summary>
    private void WriteToFile(string line)
    {
        try
        {
            _file ??= Open(FileMode.Append);
            if (_file.BaseStream.Length >= MaxFileBytes)
            {
                CloseFile();
                File.Move(Path, Path + ".1", overwrite: true);
                _file = Open(FileMode.Create);
            }

            _file.WriteLine(line);
            _failed = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            CloseFile();
            if (!_failed)
            {
                _failed = true;
                _merger.Warn($"{Path} cannot be written, lines are missing from it: {exception.Message}");
            }
        }
    }

    private void CloseFile()
    {
        var file = _file;
        _file = null;
        try
        {
            file?.Dispose();
        }
        catch (IOException)
        {
            // What it still held could not be written either.
        }
    }

    private StreamWriter Open(FileMode mode) =>
        new(new FileStream(Path, mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
}
