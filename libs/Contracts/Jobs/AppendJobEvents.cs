using System.Text.Json;

namespace Contracts.Jobs;

/// <summary>
/// Command to event-router, the only writer of job logs: <c>POST /jobs/{job_id}/events</c> by service invocation. 200 with
/// <see cref="AppendedJobEvents"/>; 400 <c>INVALID_EVENT</c>; 404 <c>JOB_NOT_FOUND</c> without <see cref="Create"/>; 409
/// <c>JOB_CLOSED</c> after the terminal event; 413 <c>EVENTS_TOO_LARGE</c> above 128 KiB of results; 422
/// <c>IDEMPOTENCY_KEY_REUSED</c> when the job exists with another body; 429 <c>TOO_MANY_OPEN_JOBS</c> (owner), 503
/// <c>SYSTEM_BUSY</c> (all) or 503 <c>LOG_UNAVAILABLE</c>, these with Retry-After. Idempotent by (job,
/// <see cref="JobEventInput.Key"/>).
/// </summary>
/// <param name="Events">One or more, appended in order with consecutive sequence numbers.</param>
/// <param name="Create">Given by the API app with the job's first event.</param>
public sealed record AppendJobEvents(IReadOnlyList<JobEventInput> Events, JobCreation? Create = null);

/// <summary>What a new job's head is made from.</summary>
/// <param name="Owner">User id; reads of the log are refused to others.</param>
/// <param name="App">App id of the API app.</param>
/// <param name="Deadline">When event-router ends the job as failed with <c>deadline_exceeded</c>.</param>
/// <param name="BodyHash">Hash of the request body that an idempotency key is bound to; null without a key.</param>
/// <param name="MaxOpenPerOwner">Most open jobs of the app that the owner has.</param>
/// <param name="MaxOpen">Most open jobs of the app.</param>
public sealed record JobCreation(string Owner, string App, DateTimeOffset Deadline, string? BodyHash, int MaxOpenPerOwner, int MaxOpen);

/// <summary>An event as its producer knows it.</summary>
/// <param name="Key"><c>stage[#n].status</c>, unique in the job; the same on a retry.</param>
/// <param name="Stage">
/// queued, vision, rule, answer, reward, done … : up to 32 of <c>a-z 0-9 _</c>, not error, open, message, keepalive, stream.
/// </param>
/// <param name="Status">started, processing, completed, retrying, failed, cancelled … ; stage <c>done</c> ends the job.</param>
/// <param name="Progress">0–100; event-router never lets it go back.</param>
/// <param name="Ts">When it happened.</param>
/// <param name="Result">Stage result for clients.</param>
/// <param name="Message">Sentence for people.</param>
/// <param name="TraceId">W3C trace id.</param>
public sealed record JobEventInput(
    string Key, string Stage, string Status, int Progress, DateTimeOffset Ts,
    JsonElement? Result = null, string? Message = null, string? TraceId = null);

/// <summary>Answer to <see cref="AppendJobEvents"/>: the events are stored.</summary>
/// <param name="Seq">Sequence number of the last of the given events (the stored one's for a known key).</param>
/// <param name="Created">
/// Whether this call created the job. False proves nothing: the job may come from an earlier try of the same request whose
/// answer was lost, so who creates a job publishes its request in either case.
/// </param>
public sealed record AppendedJobEvents(long Seq, bool Created);
