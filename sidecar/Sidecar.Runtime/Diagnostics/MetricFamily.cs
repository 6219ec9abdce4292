using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Sidecar.Runtime.Diagnostics;

/// <summary>Operations of one kind, counted and timed by their labels: a counter and a histogram of milliseconds.</summary>
/// <param name="count">Name of the counter.</param>
/// <param name="latency">Name of the histogram.</param>
/// <param name="fixedLabels">Labels that all have, as they are written.</param>
/// <param name="labels">Names of the others.</param>
public sealed class MetricFamily(string count, string latency, string fixedLabels, params string[] labels)
{
    /// <summary>Methods and topics are what clients say they are: beyond so many series what is new is counted as one.</summary>
    private const int MaxSeries = 1000;

    private static readonly double[] Bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

    private readonly ConcurrentDictionary<(string, string, string), Series> _series = [];
    private int _count;

    /// <summary>Counts an operation that began at a <see cref="Stopwatch"/> time.</summary>
    public void Add(long began, string first, string second, string third)
    {
        if (!_series.TryGetValue((first, second, third), out var series))
        {
            var isRoom = Volatile.Read(ref _count) < MaxSeries;
            series = _series.GetOrAdd(isRoom ? (first, second, third) : ("other", "other", "other"), _ => new Series());
            if (isRoom)
            {
                Interlocked.Increment(ref _count);
            }
        }

        series.Add(Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Appends the text format of Prometheus.</summary>
    public void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
        {
            return;
        }

        var all = _series.Select(pair => (Labels: Labels(pair.Key), Counts: pair.Value.Read(), pair.Value.Milliseconds)).ToArray();
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {count} counter\n");
        foreach (var (label, counts, _) in all)
        {
            text.Append(CultureInfo.InvariantCulture, $"{count}{{{label}}} {counts.Sum()}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"# TYPE {latency} histogram\n");
        foreach (var (label, counts, milliseconds) in all)
        {
            var below = 0L;
            for (var index = 0; index < counts.Length; index++)
            {
                below += counts[index];
                var bound = index < Bounds.Length ? Bounds[index].ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"{latency}_bucket{{{label},le=\"{bound}\"}} {below}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{latency}_sum{{{label}}} {milliseconds}\n{latency}_count{{{label}}} {below}\n");
        }
    }

    /// <summary>A label as it is written.</summary>
    public static string Label(string name, string value) =>
        $"{name}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    private string Labels((string First, string Second, string Third) values) => string.Join(
        ',', labels.Zip([values.First, values.Second, values.Third], Label).Prepend(fixedLabels));

    private sealed class Series
    {
        private readonly long[] _counts = new long[Bounds.Length + 1];
        private long _ticks;

        public double Milliseconds => TimeSpan.FromTicks(Volatile.Read(ref _ticks)).TotalMilliseconds;

        public void Add(TimeSpan time)
        {
            var index = Array.FindIndex(Bounds, bound => time.TotalMilliseconds <= bound);
            Interlocked.Increment(ref _counts[index < 0 ? Bounds.Length : index]);
            Interlocked.Add(ref _ticks, time.Ticks);
        }

        public long[] Read() => [.. _counts];
    }
}
