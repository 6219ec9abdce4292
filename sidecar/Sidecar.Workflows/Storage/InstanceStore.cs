using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Abstractions;
using Sidecar.Workflows.State;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Storage;

/// <summary>Start, end and custom status of an instance.</summary>
internal sealed record EndedInstance(ExecutionStartedEvent Started, ExecutionCompletedEvent Completed, string? CustomStatus);

/// <summary>
/// Reads and writes instances. Every write is one transaction with the metadata row in it, conditional on that row being
/// the one this engine wrote last. A method changes the state it is given only after the store has accepted the write;
/// when it throws, the write may or may not have happened and the state must be dropped.
/// </summary>
internal sealed class InstanceStore(IStateStore store, IKeyListing listing, string prefix)
{
    /// <summary>Rows read in one call.</summary>
    private const int ReadBatch = 1000;

    private readonly InstanceKeys _keys = new(prefix);

    public async Task<InstanceMetadata?> ReadMetadataAsync(string instanceId, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(_keys.Metadata(instanceId), cancellationToken);
        return row is null ? null : InstanceMetadata.Parser.ParseFrom(row.Value.Span);
    }

    /// <summary>Metadata in the order of the ids; null where there is no such instance.</summary>
    public async Task<IReadOnlyList<InstanceMetadata?>> ReadMetadataAsync(IReadOnlyList<string> instanceIds, CancellationToken cancellationToken)
    {
        var rows = await store.GetManyAsync([.. instanceIds.Select(_keys.Metadata)], cancellationToken);
        return [.. rows.Select(row => row is null ? null : InstanceMetadata.Parser.ParseFrom(row.Value.Span))];
    }

    public async Task<InstanceState?> LoadAsync(string instanceId, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(_keys.Metadata(instanceId), cancellationToken);
        if (row is null)
        {
            return null;
        }

        var metadata = InstanceMetadata.Parser.ParseFrom(row.Value.Span);
        var state = new InstanceState(instanceId, metadata, row.Value.ToArray());
        var names = new List<string>((int)(metadata.HistoryLength + metadata.InboxLength) + 1);
        for (ulong i = 0; i < metadata.HistoryLength; i++)
        {
            names.Add(_keys.History(instanceId, i));
        }

        for (ulong i = 0; i < metadata.InboxLength; i++)
        {
            names.Add(_keys.Inbox(instanceId, metadata.InboxStart + i));
        }

        names.Add(_keys.CustomStatus(instanceId));
        var rows = new List<StateItem?>(names.Count);
        foreach (var chunk in names.Chunk(ReadBatch))
        {
            rows.AddRange(await store.GetManyAsync(chunk, cancellationToken));
        }

        var events = new List<HistoryEvent>(rows.Count - 1);
        for (var i = 0; i < rows.Count - 1; i++)
        {
            events.Add(HistoryEvent.Parser.ParseFrom(
                (rows[i] ?? throw new InvalidDataException($"workflow instance '{instanceId}' lacks the row '{names[i]}'")).Value.Span));
        }

        state.Append(events.Take((int)metadata.HistoryLength));
        state.Inbox.AddRange(events.Skip((int)metadata.HistoryLength));
        state.CustomStatus = rows[^1] is { } status ? StringValue.Parser.ParseFrom(status.Value.Span).Value : null;
        return state;
    }

    /// <summary>
    /// What callers see of an ended instance, without the history between its start and its end; null when these are not where
    /// they usually are.
    /// </summary>
    public async Task<EndedInstance?> ReadEndedAsync(string instanceId, InstanceMetadata metadata, CancellationToken cancellationToken)
    {
        if (metadata.HistoryLength < 3)
        {
            return null;
        }

        var rows = await store.GetManyAsync(
            [_keys.History(instanceId, 1), _keys.History(instanceId, metadata.HistoryLength - 1), _keys.CustomStatus(instanceId)], cancellationToken);
        return rows[0] is { } first && HistoryEvent.Parser.ParseFrom(first.Value.Span) is { ExecutionStarted: { } started }
            && rows[1] is { } last && HistoryEvent.Parser.ParseFrom(last.Value.Span) is { ExecutionCompleted: { } completed }
                ? new EndedInstance(started, completed, rows[2] is { } status ? StringValue.Parser.ParseFrom(status.Value.Span).Value : null)
                : null;
    }

    /// <summary>Writes a new instance with its start in the inbox; <paramref name="old"/> is the ended instance it replaces, or null.</summary>
    public async Task<InstanceState> CreateAsync(
        string instanceId, InstanceMetadata? old, InstanceMetadata metadata, HistoryEvent started, CancellationToken cancellationToken)
    {
        var writes = new List<StateWrite>();
        string? etag = null;
        if (old is not null)
        {
            etag = await ETagOfAsync(instanceId, old.ToByteArray(), cancellationToken);
            AddDeletes(writes, instanceId, old);
        }

        metadata.InboxLength = 1;
        var bytes = metadata.ToByteArray();
        writes.Add(new StateWrite(_keys.Inbox(instanceId, metadata.InboxStart), started.ToByteArray()));
        writes.Add(new StateWrite(_keys.Metadata(instanceId), bytes, etag, FirstWrite: etag is null));
        await store.TransactAsync(writes, cancellationToken);
        var state = new InstanceState(instanceId, metadata, bytes);
        state.Inbox.Add(started);
        return state;
    }

    /// <summary>Writes a new instance that begins with a history; the id must be free.</summary>
    public async Task<InstanceState> CreateWithHistoryAsync(
        string instanceId, InstanceMetadata metadata, IReadOnlyList<HistoryEvent> history, CancellationToken cancellationToken)
    {
        metadata.HistoryLength = (ulong)history.Count;
        var bytes = metadata.ToByteArray();
        var writes = history.Select((e, i) => new StateWrite(_keys.History(instanceId, (ulong)i), e.ToByteArray())).ToList();
        writes.Add(new StateWrite(_keys.Metadata(instanceId), bytes, FirstWrite: true));
        await store.TransactAsync(writes, cancellationToken);
        var state = new InstanceState(instanceId, metadata, bytes);
        state.Append(history);
        return state;
    }

    public async Task AppendInboxAsync(InstanceState state, IReadOnlyList<HistoryEvent> events, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var next = state.Metadata.Clone();
        var writes = new List<StateWrite>(events.Count + 1);
        foreach (var e in events)
        {
            writes.Add(new StateWrite(_keys.Inbox(state.InstanceId, next.InboxStart + next.InboxLength++), e.ToByteArray()));
        }

        next.LastUpdatedAt = Timestamp.FromDateTimeOffset(now);
        await WriteAsync(state, next, writes, cancellationToken);
        state.Inbox.AddRange(events);
    }

    /// <summary>Writes the metadata of an instance whose rows are not in memory.</summary>
    public async Task UpdateAsync(string instanceId, InstanceMetadata old, InstanceMetadata next, CancellationToken cancellationToken)
    {
        var etag = await ETagOfAsync(instanceId, old.ToByteArray(), cancellationToken);
        await store.TransactAsync([new StateWrite(_keys.Metadata(instanceId), next.ToByteArray(), etag)], cancellationToken);
    }

    /// <summary>Commits a turn: appends history, removes the first <paramref name="consumed"/> inbox rows, sets the custom status.</summary>
    public async Task CommitTurnAsync(
        InstanceState state, InstanceMetadata next, TurnOutcome outcome, int consumed, CancellationToken cancellationToken)
    {
        var id = state.InstanceId;
        var writes = new List<StateWrite>(outcome.Events.Count + consumed + 3);
        next.HistoryLength = state.Metadata.HistoryLength;
        foreach (var e in outcome.Events)
        {
            writes.Add(new StateWrite(_keys.History(id, next.HistoryLength++), e.ToByteArray()));
        }

        for (var i = 0; i < consumed; i++)
        {
            writes.Add(new StateWrite(_keys.Inbox(id, next.InboxStart++), null));
            next.InboxLength--;
        }

        foreach (var e in outcome.OwnInbox)
        {
            writes.Add(new StateWrite(_keys.Inbox(id, next.InboxStart + next.InboxLength++), e.ToByteArray()));
        }

        AddCustomStatus(state, outcome, writes);
        await WriteAsync(state, next, writes, cancellationToken);
        state.Append(outcome.Events);
        state.Inbox.RemoveRange(0, consumed);
        state.Inbox.AddRange(outcome.OwnInbox);
        state.CustomStatus = outcome.CustomStatus;
    }

    /// <summary>
    /// Commits a continue-as-new: the history goes, the inbox becomes the next execution's first events followed by
    /// <paramref name="later"/>, what had arrived during the turn.
    /// </summary>
    public async Task CommitContinueAsNewAsync(
        InstanceState state, InstanceMetadata next, TurnOutcome outcome, IReadOnlyList<HistoryEvent> later, CancellationToken cancellationToken)
    {
        var id = state.InstanceId;
        var writes = new List<StateWrite>();
        AddRowDeletes(writes, id, state.Metadata);
        next.HistoryLength = 0;
        next.InboxStart = state.Metadata.InboxStart + state.Metadata.InboxLength;
        next.InboxLength = 0;
        List<HistoryEvent> inbox = [.. outcome.NextExecution!, .. later];
        foreach (var e in inbox)
        {
            writes.Add(new StateWrite(_keys.Inbox(id, next.InboxStart + next.InboxLength++), e.ToByteArray()));
        }

        AddCustomStatus(state, outcome, writes);
        await WriteAsync(state, next, writes, cancellationToken);
        state.Clear();
        state.Inbox.Clear();
        state.Inbox.AddRange(inbox);
        state.CustomStatus = outcome.CustomStatus;
    }

    public async Task DeleteAsync(string instanceId, InstanceMetadata metadata, CancellationToken cancellationToken)
    {
        var etag = await ETagOfAsync(instanceId, metadata.ToByteArray(), cancellationToken);
        var writes = new List<StateWrite>();
        AddDeletes(writes, instanceId, metadata);
        writes.Add(new StateWrite(_keys.Metadata(instanceId), null, etag));
        await store.TransactAsync(writes, cancellationToken);
    }

    /// <summary>All instances in the order of their rows' keys, beginning after <paramref name="after"/>.</summary>
    public async IAsyncEnumerable<string> ListIdsAsync(string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var last = after is null ? null : _keys.Metadata(after);
        await foreach (var key in listing.ListKeysAsync(_keys.Prefix, cancellationToken))
        {
            if (_keys.InstanceOfMetadata(key) is { } id && (last is null || string.CompareOrdinal(key, last) > 0))
            {
                yield return id;
            }
        }
    }

    /// <summary>All instances with their metadata.</summary>
    public async IAsyncEnumerable<(string InstanceId, InstanceMetadata Metadata)> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new List<string>();
        await foreach (var id in ListIdsAsync(after: null, cancellationToken))
        {
            batch.Add(id);
            if (batch.Count == ReadBatch)
            {
                foreach (var found in await ReadManyAsync(batch, cancellationToken))
                {
                    yield return found;
                }

                batch.Clear();
            }
        }

        foreach (var found in await ReadManyAsync(batch, cancellationToken))
        {
            yield return found;
        }
    }

    private async Task<IEnumerable<(string, InstanceMetadata)>> ReadManyAsync(List<string> ids, CancellationToken cancellationToken)
    {
        var found = await ReadMetadataAsync(ids, cancellationToken);
        return ids.Zip(found).Where(pair => pair.Second is not null).Select(pair => (pair.First, pair.Second!)).ToList();
    }

    private async Task WriteAsync(InstanceState state, InstanceMetadata next, List<StateWrite> writes, CancellationToken cancellationToken)
    {
        var etag = await ETagOfAsync(state.InstanceId, state.MetadataBytes, cancellationToken);
        var bytes = next.ToByteArray();
        writes.Add(new StateWrite(_keys.Metadata(state.InstanceId), bytes, etag));
        await store.TransactAsync(writes, cancellationToken);
        state.Metadata = next;
        state.MetadataBytes = bytes;
    }

    /// <summary>
    /// The etag of the metadata row, provided that the row is the one expected. Writes return no etag, so it is read
    /// before each one; comparing the bytes closes the gap in which somebody else could have written.
    /// </summary>
    private async ValueTask<string> ETagOfAsync(string instanceId, byte[] expected, CancellationToken cancellationToken)
    {
        var key = _keys.Metadata(instanceId);
        var row = await store.GetAsync(key, cancellationToken);
        return row is not null && row.Value.Span.SequenceEqual(expected) ? row.ETag : throw new ETagMismatchException(key);
    }

    private void AddCustomStatus(InstanceState state, TurnOutcome outcome, List<StateWrite> writes)
    {
        if (outcome.CustomStatus != state.CustomStatus)
        {
            var value = outcome.CustomStatus is { } text ? new StringValue { Value = text }.ToByteArray() : (ReadOnlyMemory<byte>?)null;
            writes.Add(new StateWrite(_keys.CustomStatus(state.InstanceId), value));
        }
    }

    private void AddDeletes(List<StateWrite> writes, string instanceId, InstanceMetadata metadata)
    {
        AddRowDeletes(writes, instanceId, metadata);
        writes.Add(new StateWrite(_keys.CustomStatus(instanceId), null));
    }

    private void AddRowDeletes(List<StateWrite> writes, string instanceId, InstanceMetadata metadata)
    {
        for (ulong i = 0; i < metadata.HistoryLength; i++)
        {
            writes.Add(new StateWrite(_keys.History(instanceId, i), null));
        }

        for (ulong i = 0; i < metadata.InboxLength; i++)
        {
            writes.Add(new StateWrite(_keys.Inbox(instanceId, metadata.InboxStart + i), null));
        }
    }
}
