using System.Text.Json;

namespace Contracts.Jobs;

/// <summary>An entry of a job's log: what clients see as SSE <c>data:</c> and from <c>/log</c>.</summary>
/// <param name="JobId">Job.</param>
/// <param name="Seq">1, 2, 3 … without gaps; the SSE <c>id:</c>.</param>
/// <param name="Key">See <see cref="JobEventInput.Key"/>.</param>
/// <param name="Stage">Stage; the SSE <c>event:</c>.</param>
/// <param name="Status">Status.</param>
/// <param name="StageSeq">The original clients' <c>stage*10 + (completed ? 1 : 0)</c> number; 990/991 for unknown stages.</param>
/// <param name="Progress">0–100, never less than in the entry before.</param>
/// <param name="Ts">When it happened.</param>
/// <param name="Result">Stage result.</param>
/// <param name="Message">Sentence for people.</param>
/// <param name="TraceId">W3C trace id.</param>
public sealed record JobEvent(
    Guid JobId, long Seq, string Key, string Stage, string Status, int StageSeq, int Progress, DateTimeOffset Ts,
    JsonElement? Result = null, string? Message = null, string? TraceId = null);

/// <summary>Broadcast hint: these entries are in the log.</summary>
/// <param name="JobId">Job.</param>
/// <param name="Entries">Entries, ascending; repeated ones among them when a producer repeated itself.</param>
/// <param name="PublishedAt">Receivers ignore hints older than 60 s.</param>
public sealed record JobLogAppended(Guid JobId, IReadOnlyList<JobEvent> Entries, DateTimeOffset PublishedAt);

/// <summary>Answer of event-router to <c>GET /jobs/{job_id}?after=N</c> (404 <c>JOB_NOT_FOUND</c>).</summary>
/// <param name="JobId">Job.</param>
/// <param name="Owner">User id of the owner; the caller checks it.</param>
/// <param name="App">API app.</param>
/// <param name="Deadline">Deadline.</param>
/// <param name="Seq">Last sequence number.</param>
/// <param name="Terminal">Status of the terminal event (completed, failed, cancelled), null while open.</param>
/// <param name="Entries">Entries with a larger <c>seq</c> than <c>after</c>.</param>
public sealed record JobView(
    Guid JobId, string Owner, string App, DateTimeOffset Deadline, long Seq, string? Terminal, IReadOnlyList<JobEvent> Entries);
