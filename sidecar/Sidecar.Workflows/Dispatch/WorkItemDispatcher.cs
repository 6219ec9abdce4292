using Microsoft.Extensions.Logging;
using Sidecar.Workflows.Diagnostics;
using Sidecar.Workflows.Instances;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Dispatch;

/// <summary>What the dispatcher asks of the engine when a worker is free.</summary>
internal interface IWorkSource
{
    /// <summary>Begins the turn of an instance, or null when it has none any more.</summary>
    Task<(Turn Turn, WorkflowRequest Request)?> BeginTurnAsync(string instanceId);

    /// <summary>Takes a turn back whose stream has ended.</summary>
    Task AbortTurnAsync(Turn turn);

    /// <summary>The last stream has ended; these instances wait for the next.</summary>
    Task FlushReadyAsync(IReadOnlyList<string> instanceIds);

    /// <summary>The request of a pending activity, or null when it is not pending any more.</summary>
    Task<ActivityRequest?> ReadActivityAsync(ActivityItem item);

    /// <summary>Gives the workflow the result of its activity. Returns when it is durable or unwanted.</summary>
    Task DeliverResultAsync(ActivityItem item, HistoryEvent result);
}

/// <summary>
/// Hands ready turns and activities to the least loaded stream that has room, and takes them back the moment a stream
/// ends. Never calls the engine while it holds its lock.
/// </summary>
internal sealed partial class WorkItemDispatcher(IWorkSource source, WorkflowEngineOptions options, WorkflowMetrics metrics, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly List<WorkStream> _streams = [];
    private readonly Queue<string> _readyTurns = new();
    private readonly Queue<ActivityItem> _returnedActivities = new();
    private readonly Queue<ActivityItem> _readyActivities = new();
    private readonly Dictionary<string, (Turn Turn, WorkStream Stream)> _turns = new(StringComparer.Ordinal);
    private readonly Dictionary<(IWorkSource Source, string InstanceId, int TaskId), ActivityItem> _activities = [];
    private readonly Dictionary<string, ActivityItem> _activitiesByToken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _backlog = new(StringComparer.Ordinal);

    public bool HasStreams
    {
        get
        {
            lock (_lock)
            {
                return _streams.Exists(s => !s.Draining);
            }
        }
    }

    /// <summary>Whether a turn that is queued now is likely to start at once.</summary>
    public bool HasFreeTurn
    {
        get
        {
            lock (_lock)
            {
                return _readyTurns.Count == 0 && FreeForTurn() is not null;
            }
        }
    }

    public (int Streams, int TurnsReady, int TurnsInFlight, int ActivitiesInFlight, Dictionary<string, int> Backlog) Count()
    {
        lock (_lock)
        {
            return (_streams.Count, _readyTurns.Count, _turns.Count, _activitiesByToken.Count, new Dictionary<string, int>(_backlog));
        }
    }

    /// <summary>Queues an instance whose phase has become ready.</summary>
    public void EnqueueTurn(string instanceId)
    {
        lock (_lock)
        {
            _readyTurns.Enqueue(instanceId);
            Assign();
            if (_streams.Count == 0 || _streams.Exists(s => !s.Draining))
            {
                return;
            }
        }

        // Its results may be held for a turn that begins only after the drain, which waits for those results.
        _ = Task.Run(() => source.FlushReadyAsync([instanceId]));
    }

    /// <summary>Queues an activity, unless it is already queued, at a worker, or about to be resolved.</summary>
    public void EnqueueActivity(ActivityItem item)
    {
        lock (_lock)
        {
            var key = Key(item);
            if (_activities.TryGetValue(key, out var known))
            {
                if (known.ExecutionId == item.ExecutionId)
                {
                    return;
                }

                known.Orphaned = true;
            }

            _activities[key] = item;
            _readyActivities.Enqueue(item);
            CountBacklog(item, 1);
            Assign();
        }
    }

    /// <summary>Serves a stream until its token is cancelled or it is drained; then everything in flight on it is handed out again.</summary>
    public async Task RunStreamAsync(
        string streamId, bool keepsHistories, Func<WorkItem, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var stream = new WorkStream(streamId, keepsHistories, write, lifetime);
        await using var registration = lifetime.Token.Register(() => stream.Done.TrySetResult());
        lock (_lock)
        {
            _streams.Add(stream);
            LogStreamOpened(_streams.Count);
            Assign();
        }

        await stream.Done.Task;
        await CloseAsync(stream);
    }

    /// <summary>Gives a stream nothing more and ends it when what it has is answered. False when there is no such stream.</summary>
    public async Task<bool> DrainAsync(string streamId)
    {
        string[] ready = [];
        lock (_lock)
        {
            if (streamId.Length == 0 || _streams.Find(s => s.Id == streamId) is not { } stream)
            {
                return false;
            }

            stream.Draining = true;
            EndIfDrained(stream);
            if (_streams.TrueForAll(s => s.Draining))
            {
                ready = [.. _readyTurns];
            }

            LogStreamDraining(stream.TurnCount, stream.ActivityCount);
        }

        await source.FlushReadyAsync(ready);
        return true;
    }

    /// <summary>Takes the turn that a response is for; null when no such turn is in flight.</summary>
    public Turn? TakeTurn(string instanceId, string token)
    {
        lock (_lock)
        {
            if (!_turns.TryGetValue(instanceId, out var found) || (token.Length > 0 && token != found.Turn.Token))
            {
                return null;
            }

            _turns.Remove(instanceId);
            found.Stream.Turns.Remove(found.Turn);
            found.Stream.TurnCount--;
            EndIfDrained(found.Stream);
            Assign();
            return found.Turn;
        }
    }

    /// <summary>Takes the activity that a response is for. It stays known until <see cref="Forget"/>, so that it is not queued again meanwhile.</summary>
    public ActivityItem? TakeActivity(string instanceId, int taskId, string token)
    {
        lock (_lock)
        {
            var item = token.Length > 0 ? _activitiesByToken.GetValueOrDefault(token)
                : _activities.GetValueOrDefault((source, instanceId, taskId))
                    // An activity of another app's workflow.
                    ?? _activitiesByToken.Values.FirstOrDefault(a => a.InstanceId == instanceId && a.TaskId == taskId);
            if (item?.Token is null || item.InstanceId != instanceId || item.TaskId != taskId)
            {
                return null;
            }

            Detach(item);
            Assign();
            return item;
        }
    }

    /// <summary>The result of the activity is durable, or nobody wants it.</summary>
    public void Forget(ActivityItem item)
    {
        lock (_lock)
        {
            Remove(item);
        }
    }

    private async Task CloseAsync(WorkStream stream)
    {
        Turn[] turns;
        string[] ready = [];
        lock (_lock)
        {
            stream.Closed = true;
            _streams.Remove(stream);
            turns = [.. stream.Turns];
            foreach (var turn in turns)
            {
                _turns.Remove(turn.Instance.Id);
            }

            foreach (var item in stream.Activities.ToArray())
            {
                Detach(item);
                HandBack(item);
            }

            if (_streams.Count == 0)
            {
                ready = [.. _readyTurns];
            }

            LogStreamClosed(_streams.Count, turns.Length);
            Assign();
        }

        foreach (var turn in turns)
        {
            await source.AbortTurnAsync(turn);
        }

        await source.FlushReadyAsync(ready);
    }

    /// <summary>Pairs ready work with streams that have room. Under the lock; the work itself starts on the pool.</summary>
    private void Assign()
    {
        while (_readyTurns.Count > 0 && FreeForTurn() is { } stream)
        {
            stream.TurnCount++;
            var instanceId = _readyTurns.Dequeue();
            _ = Task.Run(() => SendTurnAsync(stream, instanceId));
        }

        while (_returnedActivities.Count + _readyActivities.Count > 0 && FreeForActivity() is { } stream)
        {
            var item = _returnedActivities.Count > 0 ? _returnedActivities.Dequeue() : _readyActivities.Dequeue();
            CountBacklog(item, -1);
            if (item.Orphaned)
            {
                continue;
            }

            stream.ActivityCount++;
            _ = Task.Run(() => SendActivityAsync(stream, item));
        }
    }

    private WorkStream? FreeForTurn() => LeastLoaded(s => s.TurnCount, options.MaxTurnsPerStream);

    private WorkStream? FreeForActivity() => LeastLoaded(s => s.ActivityCount, options.MaxActivitiesPerStream);

    private WorkStream? LeastLoaded(Func<WorkStream, int> load, int limit)
    {
        WorkStream? best = null;
        foreach (var stream in _streams)
        {
            if (!stream.Draining && load(stream) < limit && (best is null || load(stream) < load(best)))
            {
                best = stream;
            }
        }

        return best;
    }

    private async Task SendTurnAsync(WorkStream stream, string instanceId)
    {
        if (await source.BeginTurnAsync(instanceId) is not var (turn, request))
        {
            lock (_lock)
            {
                stream.TurnCount--;
                EndIfDrained(stream);
                Assign();
            }

            return;
        }

        var closed = false;
        lock (_lock)
        {
            if (turn.Withdrawn)
            {
                stream.TurnCount--;
                EndIfDrained(stream);
                Assign();
                return;
            }

            closed = stream.Closed;
            if (!closed)
            {
                _turns[instanceId] = (turn, stream);
                stream.Turns.Add(turn);
            }
        }

        if (closed)
        {
            await source.AbortTurnAsync(turn);
            return;
        }

        metrics.TurnDispatched();
        stream.Histories?.Trim(request);
        await WriteAsync(stream, new WorkItem { WorkflowRequest = request, CompletionToken = turn.Token });
    }

    private async Task SendActivityAsync(WorkStream stream, ActivityItem item)
    {
        var request = await item.Source.ReadActivityAsync(item);
        lock (_lock)
        {
            if (request is null || stream.Closed)
            {
                stream.ActivityCount--;
                EndIfDrained(stream);
                if (request is null)
                {
                    Remove(item);
                }
                else
                {
                    HandBack(item);
                }

                Assign();
                return;
            }

            item.TaskExecutionId = request.TaskExecutionId;
            item.Token = Guid.NewGuid().ToString("N");
            item.Stream = stream;
            stream.Activities.Add(item);
            _activitiesByToken[item.Token] = item;
        }

        metrics.ActivityDispatched();
        await WriteAsync(stream, new WorkItem { ActivityRequest = request, CompletionToken = item.Token });
    }

    private async Task WriteAsync(WorkStream stream, WorkItem workItem)
    {
        try
        {
            await stream.Write(workItem, stream.Ended);
        }
        catch (Exception exception)
        {
            // Whatever the cause, the worker may lack the item: the stream ends, and its items go to the next one.
            if (exception is not OperationCanceledException)
            {
                LogStreamFailed(exception);
            }

            try
            {
                await stream.Lifetime.CancelAsync();
            }
            catch (ObjectDisposedException)
            {
                // The call has ended by itself meanwhile.
            }
        }
    }

    private void Detach(ActivityItem item)
    {
        _activitiesByToken.Remove(item.Token!);
        item.Stream!.Activities.Remove(item);
        item.Stream.ActivityCount--;
        EndIfDrained(item.Stream);
        item.Stream = null;
        item.Token = null;
    }

    private static void EndIfDrained(WorkStream stream)
    {
        if (stream is { Draining: true, TurnCount: 0, ActivityCount: 0 })
        {
            stream.Done.TrySetResult();
        }
    }

    private void HandBack(ActivityItem item)
    {
        if (!item.Orphaned)
        {
            _returnedActivities.Enqueue(item);
            CountBacklog(item, 1);
        }
    }

    private static (IWorkSource Source, string InstanceId, int TaskId) Key(ActivityItem item) => (item.Source, item.InstanceId, item.TaskId);

    private void Remove(ActivityItem item)
    {
        var key = Key(item);
        if (_activities.TryGetValue(key, out var current) && ReferenceEquals(current, item))
        {
            _activities.Remove(key);
        }
    }

    private void CountBacklog(ActivityItem item, int change)
    {
        var count = _backlog.GetValueOrDefault(item.Name) + change;
        if (count == 0)
        {
            _backlog.Remove(item.Name);
        }
        else
        {
            _backlog[item.Name] = count;
        }
    }

    [LoggerMessage(6010, LogLevel.Information, "Work-item stream opened, {Streams} connected")]
    private partial void LogStreamOpened(int streams);

    [LoggerMessage(6011, LogLevel.Information, "Work-item stream closed, {Streams} connected; {Turns} turns in flight go to another stream")]
    private partial void LogStreamClosed(int streams, int turns);

    [LoggerMessage(6013, LogLevel.Information, "Work-item stream is draining: {Turns} turns and {Activities} activities are still there")]
    private partial void LogStreamDraining(int turns, int activities);

    [LoggerMessage(6012, LogLevel.Warning, "A work item could not be sent; its stream is ended")]
    private partial void LogStreamFailed(Exception exception);
}
