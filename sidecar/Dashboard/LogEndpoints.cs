using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dashboard;

/// <summary><c>GET /api/logs</c>: the logs of all processes as server-sent events, first their last lines, then what comes.</summary>
internal static class LogEndpoints
{
    /// <summary>How much of the end of each file is shown at first, bytes.</summary>
    private const long TailBytes = 16 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public static void MapLogs(this WebApplication app) => app.MapGet("/api/logs", async (HttpContext http, RunFolder folder) =>
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        var files = new Dictionary<string, LogTail>();
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                foreach (var path in Files(folder.Logs))
                {
                    if (!files.TryGetValue(path, out var tail))
                    {
                        files[path] = tail = new LogTail(path, TailBytes);
                    }

                    foreach (var line in await tail.ReadAsync(http.RequestAborted))
                    {
                        var text = JsonSerializer.Serialize(new LogLine(Path.GetFileNameWithoutExtension(path), line), JsonSerializerOptions.Web);
                        await http.Response.WriteAsync($"data: {text}\n\n", http.RequestAborted);
                    }
                }

                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
            while (await timer.WaitForNextTickAsync(http.RequestAborted));
        }
        catch (OperationCanceledException)
        {
            // The reader has gone.
        }
    });

    private static string[] Files(string logs) => Directory.Exists(logs) ? [.. Directory.EnumerateFiles(logs, "*.log").Order(StringComparer.Ordinal)] : [];

    /// <summary>A line of a log.</summary>
    /// <param name="Process">Name of the file without its ending, e.g. <c>scan-0</c>.</param>
    /// <param name="Line">Without the line break.</param>
    private sealed record LogLine(string Process, string Line);
}

/// <summary>Reads the whole lines that a file has got since the last time; a file that shrank was begun anew.</summary>
internal sealed class LogTail(string path, long tailBytes)
{
    /// <summary>Most that is read at a time, bytes: a process that writes faster is caught up with in steps.</summary>
    private const int ChunkBytes = 256 * 1024;

    private readonly byte[] _chunk = new byte[ChunkBytes];
    private long _position = -1;

    public async Task<IReadOnlyList<string>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var isFirst = _position < 0;
        var begin = isFirst ? Math.Max(0, file.Length - tailBytes) : file.Length < _position ? 0 : _position;
        file.Position = begin;
        var length = await file.ReadAtLeastAsync(_chunk, _chunk.Length, throwOnEndOfStream: false, cancellationToken);
        var end = _chunk.AsSpan(0, length).LastIndexOf((byte)'\n') + 1;
        if (end == 0 && length == _chunk.Length)
        {
            // A line longer than the buffer: shown in pieces.
            end = length;
        }

        _position = begin + end;
        var text = Encoding.UTF8.GetString(_chunk, 0, end);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // The tail may begin in the middle of a line.
        return isFirst && begin > 0 ? lines[Math.Min(1, lines.Length)..] : lines;
    }
}
