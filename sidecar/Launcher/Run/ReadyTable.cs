using System.Collections.Concurrent;
using System.Globalization;

namespace Launcher.Run;

/// <summary>The table that is shown when everything is up.</summary>
internal sealed class ReadyTable
{
    private readonly ConcurrentDictionary<string, TimeSpan> _ready = new();

    public void Ready(PlannedInstance instance, TimeSpan after) => _ready[instance.Name] = after;

    public IEnumerable<string> Lines(IEnumerable<(PlannedInstance Instance, int? Pid)> apps)
    {
        List<string[]> rows = [["app", "url", "dapr http", "pid", "ready after"]];
        rows.AddRange(apps.Select(app => (string[])
        [
            app.Instance.Name,
            app.Instance.AppPort is { } port ? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}") : "-",
            app.Instance.HttpPort.ToString(CultureInfo.InvariantCulture),
            app.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",
            _ready.TryGetValue(app.Instance.Name, out var after) ? string.Create(CultureInfo.InvariantCulture, $"{after.TotalMilliseconds:0} ms") : "-",
        ]));
        return Layout(rows);
    }

    /// <summary>Columns as wide as their widest cell.</summary>
    public static IEnumerable<string> Layout(IReadOnlyList<string[]> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
