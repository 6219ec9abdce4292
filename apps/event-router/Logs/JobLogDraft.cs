using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>Why an append was refused.</summary>
internal enum AppendRefusal
{
    None,
    /// <summary>There is no such job, and the command does not create it.</summary>
    NotFound,
    /// <summary>The job's terminal event is in the log.</summary>
    Closed,
    /// <summary>The job exists with another request body.</summary>
    KeyReused,
    /// <summary>The owner has too many open jobs.</summary>
    TooManyOpen,
    /// <summary>There are too many open jobs in all.</summary>
    SystemBusy,
    /// <summary>The store did not take the write; nothing is known to be lost, the caller tries again.</summary>
    Unavailable,
}

/// <summary>What became of an append.</summary>
internal readonly record struct AppendOutcome(AppendRefusal Refusal, long Seq, bool Created)
{
    public static AppendOutcome Refused(AppendRefusal refusal) => new(refusal, 0, false);
}

/// <summary>
/// The rules of a log, without I/O: takes commands in order on top of a committed version and becomes the next version, or
/// nothing when every key was known. Refused commands leave no trace.
/// </summary>
internal sealed class JobLogDraft
{
    private readonly JobLogState? _base;
    private readonly List<JobEvent> _added = [];
    private Dictionary<string, long>? _addedKeys;
    private JobHead? _head;

    public JobLogDraft(JobLogState? committed)
    {
        _base = committed;
        _head = committed?.Head;
    }

    /// <summary>Whether there is a log, committed or created in this draft.</summary>
    public bool Exists => _head is not null;

    /// <summary>Whether there is anything to write.</summary>
    public bool Changed => _added.Count > 0;

    /// <summary>Whether the write must be the key's first.</summary>
    public bool IsNew => _base is null;

    /// <summary>Entries that the draft adds.</summary>
    public IReadOnlyList<JobEvent> Added => _added;

    /// <summary>The log's head before <see cref="Seal"/>; its list of open entries is still the committed one.</summary>
    public JobHead Head => _head ?? throw new InvalidOperationException("The log does not exist");

    /// <summary>Starts a log in this draft.</summary>
    public void Create(Guid jobId, JobCreation creation) =>
        _head = new JobHead(jobId, creation.Owner, creation.App, creation.Deadline, creation.BodyHash, 0, 0, null, [], []);

    /// <summary>Takes one command: all of its new events or, when refused, none.</summary>
    public AppendOutcome Append(AppendJobEvents command, bool created)
    {
        var head = Head;
        if (!created && command.Create is { } create && !Matches(head, create))
        {
            return AppendOutcome.Refused(AppendRefusal.KeyReused);
        }

        var terminal = head.Terminal;
        var firstNew = _added.Count;
        foreach (var input in command.Events)
        {
            if (Find(input.Key) is not null)
            {
                continue;
            }

            if (terminal is not null)
            {
                Forget(firstNew);
                return AppendOutcome.Refused(AppendRefusal.Closed);
            }

            terminal = Add(input);
        }

        return new AppendOutcome(AppendRefusal.None, Find(command.Events[^1].Key) ?? Head.Seq, created);
    }

    /// <summary>Sequence number of a key, or null when the log has not got it.</summary>
    public long? Find(string key) =>
        _addedKeys is not null && _addedKeys.TryGetValue(key, out var added) ? added
        : _base is not null && _base.Keys.TryGetValue(key, out var seq) ? seq
        : null;

    /// <summary>
    /// The head to write and, when the committed open entries and the new ones together exceed the limit, the chunk to write
    /// before it. Only committed entries are sealed, so that a chunk is the same whoever writes it.
    /// </summary>
    public (JobHead Head, JobChunk? Sealed) Seal(int openBytes)
    {
        var committed = Head.Open;
        if (committed.Count == 0 || Bytes(committed) + Bytes(_added) <= openBytes)
        {
            return (Head with { Open = [.. committed, .. _added] }, null);
        }

        return (Head with { Open = [.. _added], Chunks = [.. Head.Chunks, committed[^1].Seq] }, new JobChunk(committed));
    }

    /// <summary>The version after the head was written. The key index moves on with it.</summary>
    public JobLogState Committed(JobHead head, string etag)
    {
        var keys = _base?.Keys ?? new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var entry in _added)
        {
            keys[entry.Key] = entry.Seq;
        }

        return new JobLogState(head, etag, keys);
    }

    /// <summary>A job's identity comes from its owner and idempotency key, so another body is another request under the same key.</summary>
    private static bool Matches(JobHead head, JobCreation create) =>
        create.Owner == head.Owner && (create.BodyHash is null || create.BodyHash == head.BodyHash);

    private string? Add(JobEventInput input)
    {
        var head = Head;
        var progress = Math.Max(head.Progress, Math.Clamp(input.Progress, 0, 100));
        var entry = new JobEvent(
            head.JobId, head.Seq + 1, input.Key, input.Stage, input.Status, JobStages.Number(head.App, input.Stage, input.Status), progress,
            input.Ts, input.Result, input.Message, input.TraceId);
        _added.Add(entry);
        (_addedKeys ??= new Dictionary<string, long>(StringComparer.Ordinal))[entry.Key] = entry.Seq;
        _head = head with { Seq = entry.Seq, Progress = progress, Terminal = input.Stage == JobWords.Done ? input.Status : null };
        return _head.Terminal;
    }

    /// <summary>Takes back what a refused command had added.</summary>
    private void Forget(int firstNew)
    {
        if (_added.Count == firstNew)
        {
            return;
        }

        foreach (var entry in _added.Skip(firstNew))
        {
            _addedKeys!.Remove(entry.Key);
        }

        _added.RemoveRange(firstNew, _added.Count - firstNew);
        var last = _added.Count > 0 ? _added[^1] : null;
        var start = _base?.Head;
        _head = Head with
        {
            Seq = last?.Seq ?? start?.Seq ?? 0,
            Progress = last?.Progress ?? start?.Progress ?? 0,
            Terminal = last is { Stage: JobWords.Done } ? last.Status : last is null ? start?.Terminal : null,
        };
    }

    private static int Bytes(IReadOnlyList<JobEvent> entries)
    {
        var bytes = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            bytes += AppendCommandRules.SizeOf(entries[i]);
        }

        return bytes;
    }
}
