using System.Diagnostics.Metrics;

namespace Sidecar.Workflows.Diagnostics;

/// <summary>Metric names of the workflow engine.</summary>
public static class WorkflowMetricNames
{
    /// <summary>Name of the meter.</summary>
    public const string Meter = "Sidecar.Workflows";
    /// <summary>Instances created; tag <c>app_id</c>.</summary>
    public const string Created = "workflow.instances.created";
    /// <summary>Instances ended; tags <c>app_id</c>, <c>status</c>.</summary>
    public const string Ended = "workflow.instances.ended";
    /// <summary>Turns sent to workers.</summary>
    public const string TurnsDispatched = "workflow.turns.dispatched";
    /// <summary>Activities sent to workers.</summary>
    public const string ActivitiesDispatched = "workflow.activities.dispatched";
    /// <summary>Instances that have not ended: <c>jobs_in_progress</c> of the autoscaler.</summary>
    public const string InProgress = "workflow.instances.in_progress";
    /// <summary>Activities that wait for a worker; tags <c>app_id</c>, <c>activity</c>.</summary>
    public const string ActivityBacklog = "workflow.activities.backlog";
    /// <summary>Failed store operations.</summary>
    public const string StoreFailures = "workflow.store.failures";
}

internal sealed class WorkflowMetrics : IDisposable
{
    private readonly Meter _meter = new(WorkflowMetricNames.Meter);
    private readonly KeyValuePair<string, object?> _app;
    private readonly Counter<long> _created;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _turns;
    private readonly Counter<long> _activities;
    private readonly Counter<long> _storeFailures;

    public WorkflowMetrics(string appId, Func<WorkflowEngineStatus> status)
    {
        _app = new("app_id", appId);
        _created = _meter.CreateCounter<long>(WorkflowMetricNames.Created, "{instance}", "Instances created");
        _ended = _meter.CreateCounter<long>(WorkflowMetricNames.Ended, "{instance}", "Instances ended");
        _turns = _meter.CreateCounter<long>(WorkflowMetricNames.TurnsDispatched, "{turn}", "Turns sent to workers");
        _activities = _meter.CreateCounter<long>(WorkflowMetricNames.ActivitiesDispatched, "{activity}", "Activities sent to workers");
        _storeFailures = _meter.CreateCounter<long>(WorkflowMetricNames.StoreFailures, "{failure}", "Failed store operations");
        _meter.CreateObservableGauge(WorkflowMetricNames.InProgress, () => new Measurement<int>(status().WorkflowsInProgress, _app), "{instance}", "Instances that have not ended");
        _meter.CreateObservableGauge(
            WorkflowMetricNames.ActivityBacklog,
            () => status().ActivityBacklog.Select(pair => new Measurement<int>(pair.Value, _app, new("activity", pair.Key))),
            "{activity}",
            "Activities that wait for a worker");
    }

    public void Created() => _created.Add(1, _app);

    public void Ended(string status) => _ended.Add(1, _app, new("status", status));

    public void TurnDispatched() => _turns.Add(1, _app);

    public void ActivityDispatched() => _activities.Add(1, _app);

    public void StoreFailed() => _storeFailures.Add(1, _app);

    public void Dispose() => _meter.Dispose();
}
