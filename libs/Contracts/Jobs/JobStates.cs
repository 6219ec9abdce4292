namespace Contracts.Jobs;

/// <summary>Query to event-router, <c>POST /jobs/states</c>: where many jobs stand, without their events.</summary>
/// <param name="JobIds">At most 100.</param>
public sealed record GetJobStates(IReadOnlyList<Guid> JobIds);

/// <summary>Answer to <see cref="GetJobStates"/>.</summary>
/// <param name="Jobs">The jobs that exist, in the order asked for; the others are left out.</param>
public sealed record JobStates(IReadOnlyList<JobState> Jobs);

/// <summary>Where a job stands.</summary>
/// <param name="JobId">Job.</param>
/// <param name="Owner">User id of the owner.</param>
/// <param name="App">API app.</param>
/// <param name="Deadline">Deadline.</param>
/// <param name="Seq">Last sequence number.</param>
/// <param name="Terminal">Status of the terminal event, null while open.</param>
/// <param name="Stage">Stage of the last event.</param>
/// <param name="Status">Status of the last event.</param>
/// <param name="Progress">0–100.</param>
/// <param name="UpdatedAt">Time of the last event.</param>
public sealed record JobState(
    Guid JobId, string Owner, string App, DateTimeOffset Deadline, long Seq, string? Terminal, string Stage, string Status, int Progress,
    DateTimeOffset UpdatedAt);

/// <summary>Answer of event-router to <c>GET /jobs/open?app=…</c>.</summary>
/// <param name="Count">Jobs of the app that have not ended.</param>
/// <param name="OldestAt">When the oldest of them was accepted; null without any.</param>
public sealed record OpenJobsOfApp(int Count, DateTimeOffset? OldestAt);

/// <summary>
/// Answer of sse to <c>GET /api/v1/jobs/{job_id}/log?after=N</c>: the same entries as on the stream, for who does not use SSE.
/// </summary>
/// <param name="JobId">Job.</param>
/// <param name="Seq">Last sequence number of the log.</param>
/// <param name="Terminal">Status of the terminal event, null while open.</param>
/// <param name="Entries">Entries with a larger <c>seq</c> than <c>after</c>.</param>
public sealed record JobLogPage(Guid JobId, long Seq, string? Terminal, IReadOnlyList<JobEvent> Entries);

/// <summary>Words of the job protocol.</summary>
public static class JobWords
{
    /// <summary>The stage of the terminal event.</summary>
    public const string Done = "done";

    /// <summary>Terminal status: the job did what was asked.</summary>
    public const string Completed = "completed";

    /// <summary>Terminal status: the job ended without a result.</summary>
    public const string Failed = "failed";

    /// <summary>Terminal status: somebody stopped the job.</summary>
    public const string Cancelled = "cancelled";

    /// <summary><c>code</c> in the result of a job that event-router ended because its deadline had passed.</summary>
    public const string DeadlineExceeded = "deadline_exceeded";
}
