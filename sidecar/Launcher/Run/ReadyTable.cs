using System.Globalization;

namespace Launcher.Run;

/// <summary>The table that is shown when everything is up.</summary>
internal static class ReadyTable
{
    public static IEnumerable<string> Lines(IEnumerable<(PlannedInstance Instance, int? Pid, TimeSpan After)> apps)
    {
        List<string[]> rows = [["app", "url", "dapr http", "pid", "ready after", "waited for"]];
        rows.AddRange(apps.Select(app => (string[])
        [
            app.Instance.Name,
            app.Instance.AppPort is { } port ? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}") : "-",
            app.Instance.HttpPort.ToString(CultureInfo.InvariantCulture),
            app.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",
            string.Create(CultureInfo.InvariantCulture, $"{app.After.TotalMilliseconds:0} ms"),
            string.Join(", ", app.Instance.App.DependsOn),
        ]));
        if (rows.Skip(1).All(row => row[^1].Length == 0))
        {
            rows = [.. rows.Select(row => row[..^1])];
        }

        return Layout(rows);
    }

    /// <summary>Columns as wide as their widest cell.</summary>
    public static IEnumerable<string> Layout(IReadOnlyList<string[]> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
