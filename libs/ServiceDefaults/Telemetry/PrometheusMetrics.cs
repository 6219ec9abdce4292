using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// The instruments of the process as Prometheus text (exposition format 0.0.4, names by the OpenTelemetry compatibility rules:
/// dots become underscores, units and <c>_total</c> are suffixes). The package OpenTelemetry.Exporter.Prometheus.AspNetCore would
/// replace this file.
/// </summary>
internal sealed class PrometheusMetrics : IDisposable
{
    /// <summary>Content type of the format.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Series kept per instrument; what comes on top is counted in one series that says so, as the OpenTelemetry SDK does.</summary>
    private const int MaxSeries = 2000;

    private const string OverflowLabels = "otel_metric_overflow=\"true\"";

    /// <summary>Bucket bounds of histograms that advise none: the OpenTelemetry SDK's default for seconds.</summary>
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    /// <summary>Tag names as label names; they are few, because they are written in code.</summary>
    private static readonly ConcurrentDictionary<string, string> LabelNames = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<Instrument, Family> _families = [];
    private readonly MeterListener _listener = new();

    /// <param name="meters">Names of the meters to listen to.</param>
    public PrometheusMetrics(IEnumerable<string> meters)
    {
        var names = meters.ToHashSet(StringComparer.Ordinal);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (names.Contains(instrument.Meter.Name))
            {
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, static instrument => new Family(instrument)));
            }
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((Family)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((Family)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((Family)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Everything measured until now.</summary>
    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        // Two meters may have an instrument of one name; its header may come once only.
        foreach (var same in _families.Values.Where(family => !family.IsEmpty).GroupBy(family => family.Name).OrderBy(same => same.Key, StringComparer.Ordinal))
        {
            same.First().WriteHeader(text);
            foreach (var family in same)
            {
                family.WriteSeries(text);
            }
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private sealed class Family
    {
        private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly string _help;
        private readonly string _type;
        private readonly bool _sets;
        private readonly double[]? _bounds;

        public Family(Instrument instrument)
        {
            _help = (instrument.Description ?? "").ReplaceLineEndings(" ");
            var generic = instrument.GetType().GetGenericTypeDefinition();
            _type = generic == typeof(Histogram<>) ? "histogram" : generic == typeof(Counter<>) || generic == typeof(ObservableCounter<>) ? "counter" : "gauge";
            _sets = instrument.IsObservable || generic == typeof(Gauge<>);
            _bounds = _type == "histogram" ? Bounds(instrument) : null;
            Name = NameOf(instrument, _type);
        }

        public string Name { get; }

        public bool IsEmpty => _series.IsEmpty;

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            // No allocation once the series exists: the labels are written on the stack and looked up as a span.
            var labels = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, stackalloc char[512]);
            foreach (var (name, tag) in tags)
            {
                if (labels.Text.Length > 0)
                {
                    labels.AppendLiteral(",");
                }

                labels.AppendLiteral(LabelNames.GetOrAdd(name, static name => PrometheusName(name)));
                labels.AppendLiteral("=\"");
                AppendValue(ref labels, tag);
                labels.AppendLiteral("\"");
            }

            var lookup = _series.GetAlternateLookup<ReadOnlySpan<char>>();
            if (!lookup.TryGetValue(labels.Text, out var series))
            {
                var key = _series.Count < MaxSeries ? labels.Text.ToString() : OverflowLabels;
                series = _series.GetOrAdd(key, static (_, bounds) => new Series(bounds), _bounds);
            }

            labels.Clear();
            series.Record(value, _sets);
        }

        public void WriteHeader(StringBuilder text) =>
            text.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", "\\\\", StringComparison.Ordinal)).Append('\n')
                .Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');

        public void WriteSeries(StringBuilder text)
        {
            foreach (var (labels, series) in _series.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                series.Write(text, Name, labels);
            }
        }

        private static string NameOf(Instrument instrument, string type)
        {
            var name = PrometheusName(instrument.Name);
            var unit = instrument.Unit switch { "s" => "_seconds", "ms" => "_milliseconds", "By" => "_bytes", _ => "" };
            name = name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit;
            return type == "counter" && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
        }

        private static string PrometheusName(string name) => string.Concat(name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_'));

        private static double[] Bounds(Instrument instrument) => instrument switch
        {
            Histogram<double> { Advice.HistogramBucketBoundaries: { Count: > 0 } bounds } => [.. bounds],
            Histogram<long> { Advice.HistogramBucketBoundaries: { Count: > 0 } bounds } => [.. bounds.Select(bound => (double)bound)],
            Histogram<int> { Advice.HistogramBucketBoundaries: { Count: > 0 } bounds } => [.. bounds.Select(bound => (double)bound)],
            _ => DefaultBounds,
        };

        private static void AppendValue(ref DefaultInterpolatedStringHandler labels, object? value)
        {
            if (value is not string text)
            {
                labels.AppendFormatted(value is bool flag ? (flag ? "true" : "false") : value);
                return;
            }

            if (text.AsSpan().IndexOfAny('\\', '"', '\n') < 0)
            {
                labels.AppendLiteral(text);
                return;
            }

            labels.AppendLiteral(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
        }
    }

    private sealed class Series(double[]? bounds)
    {
        private readonly Lock _lock = new();
        private readonly long[]? _buckets = bounds is null ? null : new long[bounds.Length + 1];
        private double _sum;

        public void Record(double value, bool sets)
        {
            lock (_lock)
            {
                _sum = sets ? value : _sum + value;
                if (_buckets is not null)
                {
                    var at = Array.BinarySearch(bounds!, value);
                    _buckets[at < 0 ? ~at : at]++;
                }
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            double sum;
            long[]? buckets;
            lock (_lock)
            {
                (sum, buckets) = (_sum, (long[]?)_buckets?.Clone());
            }

            if (buckets is null)
            {
                Line(text, name, "", labels, Format(sum));
                return;
            }

            long count = 0;
            for (var i = 0; i < buckets.Length; i++)
            {
                count += buckets[i];
                var bound = i < bounds!.Length ? Format(bounds[i]) : "+Inf";
                Line(text, name, "_bucket", labels.Length == 0 ? $"le=\"{bound}\"" : $"{labels},le=\"{bound}\"", Format(count));
            }

            Line(text, name, "_sum", labels, Format(sum));
            Line(text, name, "_count", labels, Format(count));
        }

        private static void Line(StringBuilder text, string name, string suffix, string labels, string value)
        {
            text.Append(name).Append(suffix);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }

            text.Append(' ').Append(value).Append('\n');
        }

        private static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
