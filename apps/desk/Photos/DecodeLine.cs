using Desk.Generation;
using Desk.Vision;
using Microsoft.Extensions.Options;

namespace Desk.Photos;

/// <summary>
/// The line in which pictures wait to be decoded, see <see cref="DeskOptions.DecodeConcurrency"/> and <see cref="DeskOptions.DecodeQueue"/>. Requests and steps of tasks
/// take turns, so that neither keeps the other away. Of the steps that of the task that is furthest goes first: many tasks at a time then leave one after the other for
/// the models instead of all at once, and a task that has begun is not held up by those that begin.
/// </summary>
public sealed class DecodeLine(IOptions<DeskOptions> options)
{
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _requests = [];
    private readonly PriorityQueue<TaskCompletionSource, (int Left, long Number)> _steps = new();
    private int _free = options.Value.DecodeConcurrency;

    /// <summary>Those of <see cref="_requests"/> that nobody has cancelled.</summary>
    private int _waitingRequests;
    private long _number;
    private bool _isStepsTurn;

    /// <summary>
    /// Runs work that has a picture in memory when it is its turn, off the caller's thread. Throws <see cref="DeskBusyException"/> when too many requests are in line;
    /// a step stands in it as long as it takes: only so many tasks are worked on, and nobody is kept waiting for one.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work, StepTime? step, CancellationToken cancellationToken)
    {
        await (step is null ? WaitAsync(step: null, cancellationToken) : step.WaitAsync(token => WaitAsync(step.Step, token)));
        try
        {
            return await Task.Run(work, cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>The same for work that waits for nothing, of a request.</summary>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => RunAsync(() => Task.FromResult(work()), step: null, cancellationToken);

    /// <summary>The same for work that waits for nothing, of a step.</summary>
    public Task<T> RunAsync<T>(Func<T> work, StepTime step) => RunAsync(() => Task.FromResult(work()), step, step.Token);

    private async Task WaitAsync(DeskStep? step, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_free > 0)
            {
                _free--;
                return;
            }

            if (step is not null)
            {
                _steps.Enqueue(turn, (100 - step.ProgressBefore, _number++));
            }
            else if (_waitingRequests < options.Value.DecodeQueue)
            {
                _waitingRequests++;
                _requests.Enqueue(turn);
            }
            else
            {
                throw new DeskBusyException();
            }
        }

        try
        {
            await using var leaving = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
            await turn.Task;
        }
        finally
        {
            if (step is null)
            {
                lock (_lock)
                {
                    _waitingRequests--;
                }
            }
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            while (_steps.Count + _requests.Count > 0)
            {
                var isStep = _requests.Count == 0 || (_isStepsTurn && _steps.Count > 0);
                // Whoever has been cancelled is gone.
                if ((isStep ? _steps.Dequeue() : _requests.Dequeue()).TrySetResult())
                {
                    _isStepsTurn = !isStep;
                    return;
                }
            }

            _free++;
        }
    }
}
