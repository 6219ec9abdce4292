using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// Takes work items from the sidecar and answers them, at most 100 workflow turns and 100 activities at a time.
/// A lost stream is opened again; a stop asks the engine for no further item, finishes what it was given, and only then
/// closes the stream, because the engine hands the items of a closed stream out again.
/// </summary>
internal sealed partial class WorkflowWorker : BackgroundService
{
    private const int MaxConcurrentItems = 100;

    /// <summary>Wait before the stream is opened again: 100 ms doubling to 5 s, each up to a quarter shorter.</summary>
    private static readonly TimeSpan FirstReconnectDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestReconnectDelay = TimeSpan.FromSeconds(5);

    /// <summary>Wait after an answer that could not be delivered, so that a turn without end does not busy the engine.</summary>
    private static readonly TimeSpan UndeliveredDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HelloInterval = TimeSpan.FromSeconds(30);

    private readonly WorkflowsFactory factory;
    private readonly WorkflowTurnRunner turns;
    private readonly ActivityRunner activities;
    private readonly Completions completions;
    private readonly TimeProvider timeProvider;
    private readonly ILogger<WorkflowWorker> logger;

    private readonly SemaphoreSlim turnSlots = new(MaxConcurrentItems);
    private readonly SemaphoreSlim activitySlots = new(MaxConcurrentItems);
    private readonly ConcurrentDictionary<Task, bool> running = new();
    private readonly ActivityRuns activityRuns = new();
    private readonly CancellationTokenSource abandoned = new();

    /// <summary>Of the stream that is open: completes when the engine waits for an answer that will not come.</summary>
    private volatile TaskCompletionSource undelivered = new();

    public WorkflowWorker(
        WorkflowsFactory factory,
        WorkflowTurnRunner turns,
        ActivityRunner activities,
        SidecarConnection connection,
        TimeProvider timeProvider,
        ILogger<WorkflowWorker> logger)
    {
        this.factory = factory;
        this.turns = turns;
        this.activities = activities;
        this.timeProvider = timeProvider;
        this.logger = logger;
        completions = new Completions(connection, timeProvider, logger);
    }

    /// <summary>Waits for running items as long as the host lets it, then gives them up.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await abandoned.CancelAsync().ConfigureAwait(false);
    }

    public override void Dispose()
    {
        base.Dispose();

        // The slots are not disposed: an item that was given up still releases its own, and they hold no handle.
        abandoned.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (factory.WorkflowCount + factory.ActivityCount == 0)
        {
            LogNothingRegistered(logger);
            return;
        }

        var delay = FirstReconnectDelay;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await ServeStreamAsync(() => delay = FirstReconnectDelay, stoppingToken).ConfigureAwait(false))
                {
                    LogStreamLost(logger, "it ended");
                }
                else
                {
                    LogStreamLost(logger, "an answer could not be delivered");
                    delay = UndeliveredDelay;
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogStreamLost(logger, exception is GrpcException grpc ? grpc.Message : exception.ToString());
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
        LogStopped(logger);
    }

    /// <summary>False when the stream was ended here because an answer could not be delivered.</summary>
    private async Task<bool> ServeStreamAsync(Action onConnected, CancellationToken stoppingToken)
    {
        // The stream outlives the stop until the running items are answered.
        using var streamEnd = CancellationTokenSource.CreateLinkedTokenSource(abandoned.Token);
        var streamId = Guid.NewGuid().ToString("N");
        var broken = undelivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var draining = new Lazy<Task<bool>>(() => completions.TryDrainAsync(streamId, streamEnd.Token));
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
                while (!reading.IsCompleted && !running.IsEmpty && !abandoned.IsCancellationRequested);
            }

            await streamEnd.CancelAsync().ConfigureAwait(false);
            await SettleAsync(reading, hello).ConfigureAwait(false);
        }

        async Task ReadItemsAsync()
        {
            await foreach (var item in completions.WorkItemsAsync(streamId, OnConnected, streamEnd.Token).ConfigureAwait(false))
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
            LogConnected(logger, factory.WorkflowCount, factory.ActivityCount);
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
                            undelivered.TrySetResult();
                        }

                        break;
                    default:
                        LogUnknownItem(logger, item.RequestCase);
                        break;
                }
            },
            CancellationToken.None);
        running.TryAdd(task, true);
        task.ContinueWith(
            static (done, state) => ((ConcurrentDictionary<Task, bool>)state!).TryRemove(done, out _),
            running, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>False when the item stays unanswered.</summary>
    private async Task<bool> RunTurnAsync(WorkflowRequest request, string completionToken, CancellationToken stoppingToken)
    {
        if (!await TryEnterAsync(turnSlots, stoppingToken).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            if (request.RequiresHistoryStreaming)
            {
                await completions.AddStreamedHistoryAsync(request, abandoned.Token).ConfigureAwait(false);
            }

            var response = await turns.RunAsync(request).ConfigureAwait(false);
            response.CompletionToken = completionToken;
            return await completions.CompleteWorkflowAsync(response, abandoned.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogTurnFailed(logger, exception, request.InstanceId);
            return false;
        }
        finally
        {
            turnSlots.Release();
        }
    }

    /// <summary>False when the item stays unanswered.</summary>
    private async Task<bool> RunActivityAsync(ActivityRequest request, string completionToken, CancellationToken stoppingToken)
    {
        if (activityRuns.TryStart(request, completionToken) is not { } run)
        {
            LogRedelivered(logger, request.Name, request.TaskId, request.WorkflowInstance?.InstanceId);
            return true; // The run that is under way answers for both.
        }

        try
        {
            if (!await TryEnterAsync(activitySlots, stoppingToken).ConfigureAwait(false))
            {
                return false;
            }

            ActivityResponse response;
            try
            {
                response = await activities.RunAsync(request).ConfigureAwait(false);
            }
            finally
            {
                activitySlots.Release();
            }

            return await completions.CompleteActivityAsync(run, response, abandoned.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogActivityAbandoned(logger, exception, request.Name, request.WorkflowInstance?.InstanceId);
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
                await completions.HelloAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (GrpcException exception)
            {
                LogHelloFailed(logger, exception.StatusCode);
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
            await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
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
        await Task.WhenAny(Task.WhenAll(running.Keys), Task.Delay(Timeout.InfiniteTimeSpan, abandoned.Token)).ConfigureAwait(false);
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
