using System.Diagnostics.Metrics;

namespace EventRouter.Logs;

/// <summary>Metrics of job logs.</summary>
internal sealed class JobLogMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "EventRouter";

    private readonly Counter<long> _appends;
    private readonly Counter<long> _conflicts;
    private readonly Counter<long> _reads;
    private readonly Histogram<double> _duration;

    public JobLogMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _appends = meter.CreateCounter<long>("joblog.appends", "{event}", "Events appended to job logs");
        _conflicts = meter.CreateCounter<long>("joblog.conflicts", "{conflict}", "Compare-and-sets lost to another replica");
        _reads = meter.CreateCounter<long>("joblog.reads", "{read}", "Documents of job logs read from the store");
        _duration = meter.CreateHistogram(
            "joblog.append.duration", "s", "From an append command to its answer",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 16, 32] });
    }

    public void Appended(int events) => _appends.Add(events);

    public void Conflict() => _conflicts.Add(1);

    public void ReadBack() => _reads.Add(1);

    public void Answered(TimeSpan duration, AppendRefusal refusal) =>
        _duration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", Outcome(refusal)));

    private static string Outcome(AppendRefusal refusal) => refusal switch
    {
        AppendRefusal.None => "stored",
        AppendRefusal.Unavailable => "unavailable",
        _ => "refused",
    };
}
