namespace Contracts.Jobs;

/// <summary>Topics published by event-router and the workers, on component <see cref="Components.Broadcast"/>.</summary>
public static class JobTopics
{
    /// <summary><see cref="JobLogAppended"/>: wakes sse; the truth is in the job log.</summary>
    public const string JobLog = "job-log";
}
