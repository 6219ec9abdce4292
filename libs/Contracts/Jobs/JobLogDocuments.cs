namespace Contracts.Jobs;

/// <summary>
/// Keys of the <see cref="Components.JobLog"/> component. event-router writes the documents, sse reads them.
/// </summary>
public static class JobLogKeys
{
    /// <summary>Key of a job's <see cref="JobHead"/>.</summary>
    public static string Head(Guid jobId) => $"job:{jobId:D}";

    /// <summary>
    /// Key of a sealed <see cref="JobChunk"/>. It is named by its last sequence number: whoever seals up to there seals the
    /// same committed entries, so a late or repeated write changes nothing that a reader looks at.
    /// </summary>
    public static string Chunk(Guid jobId, long lastSeq) => $"job:{jobId:D}:{lastSeq}";
}

/// <summary>Stored form of a job's log: its only mutable document, replaced by compare-and-set.</summary>
/// <param name="JobId">Job.</param>
/// <param name="Owner">User id; reads are refused to others.</param>
/// <param name="App">App id of the API app.</param>
/// <param name="Deadline">When the sweep ends the job.</param>
/// <param name="BodyHash">Hash of the request body an idempotency key is bound to.</param>
/// <param name="Seq">Last sequence number.</param>
/// <param name="Progress">Progress of the last entry.</param>
/// <param name="Terminal">Status of the terminal event, null while open.</param>
/// <param name="Chunks">Last sequence numbers of the sealed chunks, ascending; each was written before it was named here.</param>
/// <param name="Open">Entries that are in no chunk yet, ascending, without gaps, ending with <paramref name="Seq"/>.</param>
public sealed record JobHead(
    Guid JobId, string Owner, string App, DateTimeOffset Deadline, string? BodyHash,
    long Seq, int Progress, string? Terminal, IReadOnlyList<long> Chunks, IReadOnlyList<JobEvent> Open);

/// <summary>
/// Stored form of sealed entries, ascending and without gaps. May begin earlier than the chunk before it ended: readers take
/// what has a larger sequence number than they have.
/// </summary>
/// <param name="Entries">The entries; the last one's <c>seq</c> is in the key.</param>
public sealed record JobChunk(IReadOnlyList<JobEvent> Entries);
