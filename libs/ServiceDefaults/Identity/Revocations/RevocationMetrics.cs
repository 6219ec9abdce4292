using System.Diagnostics.Metrics;
using Contracts.Identity;

namespace ServiceDefaults.Identity;

/// <summary>Metrics of revocations in an app that verifies tokens.</summary>
internal sealed class RevocationMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "ServiceDefaults";

    private readonly Counter<long> _readings;
    private readonly Histogram<double> _propagation;

    public RevocationMetrics(IMeterFactory meters, RevokedTokens revoked)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge("identity.revocations", () => revoked.Count, "{revocation}", "Revocations in memory that have not expired");
        meter.CreateObservableGauge(
            "identity.revocations.state", () => State(), "{state}", "0 messages are heard, 1 the documents are read instead, 2 nothing is known and requests get 503");
        meter.CreateObservableGauge("identity.revocations.heartbeat.age", () => HeartbeatAge().TotalSeconds, "s", "Time since any replica of auth was heard");
        _readings = meter.CreateCounter<long>("identity.revocations.readings", "{reading}", "Readings of the stored revocations");
        _propagation = meter.CreateHistogram(
            "identity.revocation.propagation", "s", "From a revocation to its effect in this app, with the difference of the clocks",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 7, 10, 30, 60] });
    }

    /// <summary>The feed tells its state.</summary>
    public Func<int> State { get; set; } = () => 0;

    /// <summary>And when it last heard somebody.</summary>
    public Func<TimeSpan> HeartbeatAge { get; set; } = () => TimeSpan.Zero;

    public void Read(bool isDone) => _readings.Add(1, new KeyValuePair<string, object?>("outcome", isDone ? "read" : "failed"));

    public void Learned(Revocation revocation, DateTimeOffset now, string from) =>
        _propagation.Record(Math.Max(0, (now - revocation.At).TotalSeconds), new KeyValuePair<string, object?>("from", from));
}
