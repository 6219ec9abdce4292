using Launcher.Logs;
using TestKit;

namespace Launcher.Tests;

/// <summary>The log of a process on a disk that fails: the process is read on, since it would block on output that nobody reads.</summary>
public sealed class ProcessLogTests : IDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly StringWriter _console = new();
    private readonly ProcessLog _log;

    public ProcessLogTests()
    {
        Directory.CreateDirectory(Logs);
        _log = new LogMerger(_console, colour: false, Logs).Open("app", "app.log", onConsole: true);
    }

    private string Logs => Path.Combine(_folder.Path, "logs");

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Lines_reach_the_console_when_the_file_cannot_be_rotated_and_the_file_again_when_it_can()
    {
        _log.Write("before");
        using (var file = new FileStream(_log.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            file.SetLength(ProcessLog.MaxFileBytes);
        }

        // The full file cannot be moved and no new one be made.
        Directory.Move(Logs, Logs + ".away");
        _log.Write("first");
        _log.Write("second");
        Directory.Move(Logs + ".away", Logs);
        File.Delete(_log.Path);
        _log.Write("after");

        var console = _console.ToString();
        Assert.Contains("app | first", console, StringComparison.Ordinal);
        Assert.Contains("app | second", console, StringComparison.Ordinal);
        Assert.Single(console.Split('\n'), line => line.Contains("cannot be written", StringComparison.Ordinal));
        Assert.Equal(["before", "first", "second", "after"], _log.TakeTail());
        Assert.Equal(["after"], ReadLines());
    }

    [Fact]
    public void The_tail_is_the_last_20_lines_and_is_taken_once()
    {
        for (var n = 1; n <= 21; n++)
        {
            _log.Write($"line {n}");
        }

        Assert.Equal(Enumerable.Range(2, 20).Select(n => $"line {n}"), _log.TakeTail());
        Assert.Empty(_log.TakeTail());
    }

    [Fact]
    public void On_a_terminal_every_process_has_a_colour_of_its_own_and_the_names_are_aligned()
    {
        using var console = new StringWriter();
        var merger = new LogMerger(console, colour: true, Logs);
        using var first = merger.Open("gateway", "gateway.log", onConsole: true);
        using var second = merger.Open("sse", "sse.log", onConsole: true);
        first.Write("one");
        second.Write("two");
        merger.Warn("dead");

        Assert.Equal(["\e[36mgateway |\e[0m one", "\e[32msse     |\e[0m two", "\e[1;31mdead\e[0m", ""], console.ToString().Split(Environment.NewLine));
    }

    [Fact]
    public void A_full_file_becomes_the_old_one()
    {
        using (var file = new FileStream(_log.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            file.SetLength(ProcessLog.MaxFileBytes);
        }

        _log.Write("new");

        Assert.Equal(ProcessLog.MaxFileBytes, new FileInfo(_log.Path + ".1").Length);
        Assert.Equal(["new"], ReadLines());
    }

    [Fact]
    public void A_console_that_cannot_be_written_is_no_failure()
    {
        using var log = new LogMerger(new FullConsole(), colour: false, Logs).Open("other", "other.log", onConsole: true);

        log.Write("one");
        log.Write("two");

        Assert.Equal(["one", "two"], log.TakeTail());
    }

    private List<string> ReadLines()
    {
        using var reader = new StreamReader(new FileStream(_log.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    private sealed class FullConsole : StringWriter
    {
        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}
