using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// Takes work items from the sidecar and answers them, as many at a time as <see cref="WorkerLimits"/> says.
/// A lost stream is opened again; a stop asks the engine for no further item, finishes what it was given, and only then
/// closes the stream, because the engine hands the items of a closed stream out again.
/// </summary>
internal sealed partial class WorkflowWorker : BackgroundService
{
    /// <summary>Wait before the stream is opened again: 100 ms doubling to 5 s, each up to a quarter shorter.</summary>
    private static readonly TimeSpan FirstReconnectDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestReconnectDelay = TimeSpan.FromSeconds(5);

    /// <summary>Wait after an answer that could not be delivered, so that a turn without end does not busy the engine.</summary>
    private static readonly TimeSpan UndeliveredDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HelloInterval = TimeSpan.FromSeconds(30);

    private readonly WorkflowsFactory _factory;
    private readonly WorkflowTurnRunner _turns;
    private readonly ActivityRunner _activities;
    private readonly Completions _completions;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<WorkflowWorker> _logger;

    private readonly SemaphoreSlim _turnSlots;
    private readonly SemaphoreSlim _activitySlots;
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly ActivityRuns _activityRuns = new();

    /// <summary>Not disposed, and neither are the slots: an item that was given up still uses them, a host may be stopped after it was disposed, and they hold no handle.</summary>
    private readonly CancellationTokenSource _abandoned = new();

    /// <summary>Of the stream that is open: completes when the engine waits for an answer that will not come.</summary>
    private volatile TaskCompletionSource _undelivered = new();

    public WorkflowWorker(
        WorkflowsFactory factory,
        WorkflowTurnRunner turns,
        ActivityRunner activities,
        SidecarConnection connection,
        WorkerLimits limits,
        TimeProvider timeProvider,
        ILogger<WorkflowWorker> logger)
    {
        _turnSlots = new SemaphoreSlim(limits.Turns);
        _activitySlots = new SemaphoreSlim(limits.Activities);
        _factory = factory;
        _turns = turns;
        _activities = activities;
        _timeProvider = timeProvider;
        _logger = logger;
        _completions = new Completions(connection, timeProvider, logger);
    }

    /// <summary>Waits for running items as long as the host lets it, then gives them up.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await _abandoned.CancelAsync().ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_factory.WorkflowCount + _factory.ActivityCount == 0)
        {
            LogNothingRegistered(_logger);
            return;
        }

        var delay = FirstReconnectDelay;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await ServeStreamAsync(() => delay = FirstReconnectDelay, stoppingToken).ConfigureAwait(false))
                {
                    LogStreamLost(_logger, "it ended");
                }
                else
                {
                    LogStreamLost(_logger, "an answer could not be delivered");
                    delay = UndeliveredDelay;
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogStreamLost(_logger, exception is GrpcException grpc ? grpc.Message : exception.ToString());
            }
            catch (Exception)
            {
                break; // The stop, and whatever failed because of it.
            }

            if (!await PauseAsync(delay * (1 - (Random.Shared.NextDouble() / 4)), stoppingToken).ConfigureAwait(false))
            {
                break;
            }

            delay = delay * 2 < LongestReconnectDelay ? delay * 2 : LongestReconnectDelay;
        }

        await DrainAsync().ConfigureAwait(false);
        LogStopped(_logger);
    }

    /// <summary>False when the stream was ended here because an answer could not be delivered.</summary>
    private async Task<bool> ServeStreamAsync(Action onConnected, CancellationToken stoppingToken)
    {
        // The stream outlives the stop until the running items are answered.
        using var streamEnd = CancellationTokenSource.CreateLinkedTokenSource(_abandoned.Token);
        var streamId = Guid.NewGuid().ToString("N");
        var broken = _undelivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var draining = new Lazy<Task<bool>>(() => _completions.TryDrainAsync(streamId, streamEnd.Token));
        var hello = SayHelloAsync(streamEnd.Token);
        var reading = ReadItemsAsync();
        try
        {
            var ended = await Task.WhenAny(reading, broken.Task).WaitAsync(stoppingToken).ConfigureAwait(false);
            await ended.ConfigureAwait(false);
            return ended == reading;
        }
        finally
        {
            if (stoppingToken.IsCancellationRequested)
            {
                _ = draining.Value;
                do
                {
                    await Task.WhenAny(reading, DrainAsync()).ConfigureAwait(false);
                }
                while (!reading.IsCompleted && !_running.IsEmpty && !_abandoned.IsCancellationRequested);
            }

            await streamEnd.CancelAsync().ConfigureAwait(false);
            await SettleAsync(reading, hello).ConfigureAwait(false);
        }

        async Task ReadItemsAsync()
        {
            await foreach (var item in _completions.WorkItemsAsync(streamId, OnConnected, streamEnd.Token).ConfigureAwait(false))
            {
                if (stoppingToken.IsCancellationRequested && !await draining.Value.ConfigureAwait(false))
                {
                    // The engine does not know of the stop: it hands this item and later ones out again at the end of the stream.
                    await Task.Delay(Timeout.InfiniteTimeSpan, streamEnd.Token).ConfigureAwait(false);
                }

                Start(item, broken, stoppingToken);
            }
        }

        void OnConnected()
        {
            onConnected();
            LogConnected(_logger, _factory.WorkflowCount, _factory.ActivityCount);
        }
    }

    private void Start(WorkItem item, TaskCompletionSource broken, CancellationToken stoppingToken)
    {
        var task = Task.Run(
            async () =>
            {
                switch (item.RequestCase)
                {
                    case WorkItem.RequestOneofCase.WorkflowRequest:
                        if (!await RunTurnAsync(item.WorkflowRequest, item.CompletionToken, stoppingToken).ConfigureAwait(false))
                        {
                            broken.TrySetResult();
                        }

                        break;
                    case WorkItem.RequestOneofCase.ActivityRequest:
                        if (!await RunActivityAsync(item.ActivityRequest, item.CompletionToken, stoppingToken).ConfigureAwait(false))
                        {
                            // It may have been handed out again by the stream that is open now.
                            _undelivered.TrySetResult();
                        }

                        break;
                    default:
                        LogUnknownItem(_logger, item.RequestCase);
                        break;
                }
            },
            CancellationToken.None);
        _running.TryAdd(task, true);
        task.ContinueWith(
            static (done, state) => ((ConcurrentDictionary<Task, bool>)state!).TryRemove(done, out _),
            _running, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>False when the item stays unanswered.</summary>
    private async Task<bool> RunTurnAsync(WorkflowRequest request, string completionToken, CancellationToken stoppingToken)
    {
        if (!await TryEnterAsync(_turnSlots, stoppingToken).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            if (request.RequiresHistoryStreaming)
            {
                await _completions.AddStreamedHistoryAsync(request, _abandoned.Token).ConfigureAwait(false);
            }

            var response = await _turns.RunAsync(request).ConfigureAwait(false);
            response.CompletionToken = completionToken;
            return await _completions.CompleteWorkflowAsync(response, _abandoned.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogTurnFailed(_logger, exception, request.InstanceId);
            return false;
        }
        finally
        {
            _turnSlots.Release();
        }
    }

    /// <summary>False when the item stays unanswered.</summary>
    private async Task<bool> RunActivityAsync(ActivityRequest request, string completionToken, CancellationToken stoppingToken)
    {
        if (_activityRuns.TryStart(request, completionToken) is not { } run)
        {
            LogRedelivered(_logger, request.Name, request.TaskId, request.WorkflowInstance?.InstanceId);
            return true; // The run that is under way answers for both.
        }

        try
        {
            if (!await TryEnterAsync(_activitySlots, stoppingToken).ConfigureAwait(false))
            {
                return false;
            }

            ActivityResponse response;
            try
            {
                response = await _activities.RunAsync(request).ConfigureAwait(false);
            }
            finally
            {
                _activitySlots.Release();
            }

            return await _completions.CompleteActivityAsync(run, response, _abandoned.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogActivityAbandoned(_logger, exception, request.Name, request.WorkflowInstance?.InstanceId);
            return false;
        }
        finally
        {
            run.End();
        }
    }

    private async Task SayHelloAsync(CancellationToken cancellationToken)
    {
        while (await PauseAsync(HelloInterval, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await _completions.HelloAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (GrpcException exception)
            {
                LogHelloFailed(_logger, exception.StatusCode);
            }
        }
    }

    /// <summary>False when the worker stops before a slot is free: the item stays unanswered and is handed out again.</summary>
    private static async Task<bool> TryEnterAsync(SemaphoreSlim slots, CancellationToken stoppingToken)
    {
        if (slots.Wait(0, CancellationToken.None))
        {
            return true;
        }

        try
        {
            await slots.WaitAsync(stoppingToken).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> PauseAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(delay, _timeProvider, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task DrainAsync()
    {
        // Items log their own failures; the wait ends early only when the host's time is up.
        await Task.WhenAny(Task.WhenAll(_running.Keys), Task.Delay(Timeout.InfiniteTimeSpan, _abandoned.Token)).ConfigureAwait(false);
    }

    private static async Task SettleAsync(params Task?[] tasks)
    {
        foreach (var task in tasks)
        {
            if (task is not null)
            {
                await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
