using Desk.Generation;
using Desk.Vision;
using Microsoft.Extensions.Options;

namespace Desk.Photos;

/// <summary>The line in which pictures wait to be decoded, see <see cref="DeskOptions.DecodeConcurrency"/> and <see cref="DeskOptions.DecodeQueue"/>.</summary>
public sealed class DecodeLine(IOptions<DeskOptions> options) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(options.Value.DecodeConcurrency);
    private readonly int _places = options.Value.DecodeConcurrency + options.Value.DecodeQueue;
    private int _inLine;

    /// <summary>
    /// Runs work that has a picture in memory when it is its turn, off the caller's thread. Throws <see cref="DeskBusyException"/> when the line is full, unless it is
    /// for a step of a task, of which only so many are worked on, and which nobody is kept waiting for.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work, StepTime? step, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _inLine) > _places && step is null)
            {
                throw new DeskBusyException();
            }

            await (step is null ? _gate.WaitAsync(cancellationToken) : step.WaitAsync(_gate.WaitAsync));
            try
            {
                return await Task.Run(work, cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inLine);
        }
    }

    /// <summary>The same for work that waits for nothing, of a request.</summary>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => RunAsync(() => Task.FromResult(work()), step: null, cancellationToken);

    /// <summary>The same for work that waits for nothing, of a step.</summary>
    public Task<T> RunAsync<T>(Func<T> work, StepTime step) => RunAsync(() => Task.FromResult(work()), step, step.Token);

    public void Dispose() => _gate.Dispose();
}
