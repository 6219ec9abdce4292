namespace Launcher.Logs;

/// <summary>One console for all processes: whole lines, each with the name of its process, coloured when a person looks at it.</summary>
internal sealed class LogMerger(TextWriter console, bool colour, string folder)
{
    /// <summary>Bright and dark foregrounds that read well on light and dark terminals; red is left for errors.</summary>
    private static readonly int[] Palette = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

    private readonly Lock _gate = new();
    private int _opened;
    private int _width;

    /// <summary>Opens the log of a process. The width of the prefix follows the longest name opened so far.</summary>
    public ProcessLog Open(string name, string file, bool onConsole)
    {
        _width = Math.Max(_width, name.Length);
        return new ProcessLog(this, name, Palette[_opened++ % Palette.Length], Path.Combine(folder, file), onConsole);
    }

    /// <summary>A line of the launcher itself.</summary>
    public void Say(string line) => Print(line);

    /// <summary>A line of the launcher that reports a failure.</summary>
    public void Warn(string line) => Say(colour ? $"\e[1;31m{line}\e[0m" : line);

    internal void Write(ProcessLog log, string line) =>
        Print((colour ? $"\e[{log.Colour}m{log.Name.PadRight(_width)} |\e[0m " : $"{log.Name.PadRight(_width)} | ") + line);

    /// <summary>Never throws: output may go to a file on a disk that is full, and processes must be read and supervised on.</summary>
    private void Print(string line)
    {
        lock (_gate)
        {
            try
            {
                console.WriteLine(line);
                console.Flush();
            }
            catch (IOException)
            {
                // There is no other place to say it.
            }
        }
    }
}
