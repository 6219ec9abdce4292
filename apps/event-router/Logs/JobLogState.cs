using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>A committed version of a job's log, as one replica last saw it. It may be behind the store, never ahead of it.</summary>
/// <param name="Head">The head document.</param>
/// <param name="ETag">Its etag.</param>
/// <param name="Keys">Sequence number of every key in the log, sealed entries included. Only the queue of the job touches it.</param>
internal sealed record JobLogState(JobHead Head, string ETag, Dictionary<string, long> Keys);
