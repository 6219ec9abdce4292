using System.Diagnostics.Metrics;
using Ai.Calls;

namespace Ai.Admission;

/// <summary>How long the line is and how long it takes.</summary>
internal static class AdmissionMetrics
{
    private const string Priority = "priority";

    private static readonly string[] Priorities = [.. Enum.GetNames<CallPriority>().Select(name => name.ToLowerInvariant())];

    private static readonly UpDownCounter<int> Line = AiTelemetry.Meter.CreateUpDownCounter<int>(
        "tandem.ai.admission.waiting", "{call}", "Model calls that wait for a place");

    private static readonly Histogram<double> Wait = AiTelemetry.Meter.CreateHistogram(
        "tandem.ai.admission.wait", "s", "Time that model calls waited for a place",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 30] });

    public static void Waiting(int change, CallPriority priority) => Line.Add(change, new KeyValuePair<string, object?>(Priority, Priorities[(int)priority]));

    public static void Admitted(CallPriority priority, TimeSpan waited) => Record(priority, "admitted", waited);

    public static void Declined(CallPriority priority, string outcome, TimeSpan waited) => Record(priority, outcome, waited);

    private static void Record(CallPriority priority, string outcome, TimeSpan waited) =>
        Wait.Record(waited.TotalSeconds, new(Priority, Priorities[(int)priority]), new("outcome", outcome));
}
