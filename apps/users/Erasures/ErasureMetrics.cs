using System.Diagnostics.Metrics;

namespace Users.Erasures;

/// <summary>Metrics of erasures. The gauges say what the latest round of this replica saw.</summary>
internal sealed class ErasureMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Users";

    private readonly Counter<long> _completed;
    private int _pending;
    private int _overdue;

    public ErasureMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _completed = meter.CreateCounter<long>("users.erasures.completed", "{erasure}", "Erasures that every app has reported");
        meter.CreateObservableGauge("users.erasures.pending", () => Volatile.Read(ref _pending), "{erasure}", "Deleted accounts whose data is not erased everywhere yet");
        meter.CreateObservableGauge("users.erasures.overdue", () => Volatile.Read(ref _overdue), "{erasure}", "Those of them that are older than Users:ErasureOverdue");
    }

    public void Completed() => _completed.Add(1);

    public void Seen(int pending, int overdue)
    {
        Volatile.Write(ref _pending, pending);
        Volatile.Write(ref _overdue, overdue);
    }
}
