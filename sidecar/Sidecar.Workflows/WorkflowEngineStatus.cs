namespace Sidecar.Workflows;

/// <summary>A moment's counters of one engine, for the launcher, dashboards and autoscaling.</summary>
/// <param name="AppId">The app.</param>
/// <param name="WorkflowsInProgress">Instances that have not ended.</param>
/// <param name="Streams">Connected work-item streams.</param>
/// <param name="TurnsReady">Instances waiting for a free worker.</param>
/// <param name="TurnsInFlight">Turns at workers.</param>
/// <param name="ActivitiesInFlight">Activities at workers.</param>
/// <param name="ActivityBacklog">Activities waiting for a free worker, by activity name.</param>
/// <param name="Timers">Armed timers.</param>
/// <param name="LoadedInstances">Instances in memory.</param>
public sealed record WorkflowEngineStatus(
    string AppId,
    int WorkflowsInProgress,
    int Streams,
    int TurnsReady,
    int TurnsInFlight,
    int ActivitiesInFlight,
    IReadOnlyDictionary<string, int> ActivityBacklog,
    int Timers,
    int LoadedInstances);
