using Microsoft.Extensions.Logging;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The one writer. A thread of its own takes everything that has been submitted, checks it, writes it as one frame, flushes
/// once, makes it visible and lets the callers go on: group commit. When the disk is full, what was to be written fails and the
/// next is tried. Any other disk error ends it for good; every operation from then on fails with that error, because what is on
/// the disk is not known any more.
/// </summary>
internal sealed partial class Committer
{
    /// <summary>Name of the thread.</summary>
    public const string ThreadName = "tandem-store";

    private readonly StoreLog _log;
    private readonly StoreOptions _options;
    private readonly StoreBatch _batch;
    private readonly Action _compactWhenDue;
    private readonly object _gate = new();
    private readonly SemaphoreSlim _room;
    private readonly Thread _thread;
    private List<StoreOperation> _submitted = [];
    private List<StoreOperation> _taken = [];
    private bool _closing;
    private long? _unflushedSince;
    private Exception? _fault;
    private bool _full;

    /// <summary>Starts the thread. <paramref name="compactWhenDue"/> runs on it between commits.</summary>
    public Committer(StoreLog log, StoreModel model, StoreOptions options, Action compactWhenDue)
    {
        _log = log;
        _options = options;
        _batch = new StoreBatch(model);
        _compactWhenDue = compactWhenDue;
        _room = new SemaphoreSlim(options.MaxQueuedOperations);
        _thread = new Thread(Run) { IsBackground = true, Name = ThreadName };
        _thread.Start();
    }

    /// <summary>Queues the operation; completes when it is queued. Waits while the queue is full.</summary>
    public ValueTask SubmitAsync(StoreOperation operation, CancellationToken cancellationToken)
    {
        if (_room.Wait(0, CancellationToken.None))
        {
            Enqueue(operation);
            return ValueTask.CompletedTask;
        }

        return SubmitLaterAsync(operation, cancellationToken);
    }

    /// <summary>
    /// Queues the operation and completes when it is done. Once it is queued it happens, so the token counts only before.
    /// </summary>
    public async ValueTask CommitAsync(AwaitedOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await SubmitAsync(operation, cancellationToken);
        await operation.Completion;
    }

    /// <summary>Commits what is queued, flushes and ends the thread.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private async ValueTask SubmitLaterAsync(StoreOperation operation, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        Enqueue(operation);
    }

    private void Enqueue(StoreOperation operation)
    {
        lock (_gate)
        {
            if (!_closing)
            {
                _submitted.Add(operation);
                Monitor.Pulse(_gate);
                return;
            }
        }

        _room.Release();
        operation.Fail(new ObjectDisposedException("store"));
    }

    private void Run()
    {
        while (Take())
        {
            for (var next = 0; next < _taken.Count;)
            {
                next = Commit(next);
            }

            _room.Release(_taken.Count);
            _taken.Clear();
            if (_fault is null)
            {
                Guard(_compactWhenDue);
            }

            // What is submitted all the time and never asks for a flush must not put it off for ever.
            if (_unflushedSince is not null && UntilLazyFlush() == TimeSpan.Zero)
            {
                FlushLazily();
            }
        }

        FlushLazily();
    }

    // Waits for work; flushes what nobody waits for when none comes for a while. False when closed and empty.
    private bool Take()
    {
        while (true)
        {
            lock (_gate)
            {
                while (_submitted.Count == 0 && !_closing && (_unflushedSince is null || _fault is not null))
                {
                    Monitor.Wait(_gate);
                }

                if (_submitted.Count > 0 || _closing || Monitor.Wait(_gate, UntilLazyFlush()))
                {
                    (_submitted, _taken) = (_taken, _submitted);
                    if (_taken.Count > 0 || _closing)
                    {
                        return _taken.Count > 0;
                    }

                    continue;
                }
            }

            FlushLazily();
        }
    }

    private TimeSpan UntilLazyFlush() =>
        _unflushedSince is { } since && _options.LazyFlushDelay - _options.Time.GetElapsedTime(since) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private void FlushLazily()
    {
        if (_unflushedSince is not null && _fault is null)
        {
            Guard(_log.Flush);
            _unflushedSince = null;
        }
    }

    // Commits operations from the index on until the frame is large enough; returns the index of the next one.
    private int Commit(int first)
    {
        var next = first;
        _batch.Clear();
        for (; next < _taken.Count && _batch.Buffer.Length < _options.MaxCommitBytes; next++)
        {
            if (!Prepare(_taken[next]))
            {
                _taken[next] = Settled;
            }
        }

        var failure = Write();
        if (failure is null)
        {
            _batch.Apply();
        }
        else
        {
            _batch.Discard();
        }

        for (var i = first; i < next; i++)
        {
            if (failure is null)
            {
                _taken[i].Succeed();
            }
            else
            {
                _taken[i].Fail(failure);
            }
        }

        return next;
    }

    private bool Prepare(StoreOperation operation)
    {
        if (_fault is not null)
        {
            return true;
        }

        try
        {
            operation.Prepare(_batch);
            return true;
        }
        catch (Exception exception)
        {
            operation.Fail(exception);
            return false;
        }
    }

    // Returns why the batch is not written. A full disk is nobody's fault: the store goes on, and so do writes when there is room.
    private Exception? Write()
    {
        if (_fault is not null)
        {
            return _fault;
        }

        try
        {
            AppendBatch();
            _full = false;
            return null;
        }
        catch (DiskFullException exception)
        {
            if (!_full)
            {
                LogFull(_options.Logger, exception);
            }

            _full = true;
            return new IOException($"nothing was written, the disk is full: {exception.Message}", exception);
        }
        catch (Exception exception)
        {
            return Stop(exception);
        }
    }

    private void AppendBatch()
    {
        if (!_batch.Buffer.IsEmpty)
        {
            _log.Append(_batch.Buffer);
        }

        if (_batch.MustFlush)
        {
            _log.Flush();
            _unflushedSince = null;
        }
        else if (_batch.ShouldFlush)
        {
            _unflushedSince ??= _options.Time.GetTimestamp();
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Stop(exception);
        }
    }

    private IOException Stop(Exception exception)
    {
        var fault = new IOException($"the store cannot be written any more and must be reopened: {exception.Message}", exception);
        _fault = fault;
        LogFault(_options.Logger, exception);
        _options.Fault(fault);
        return fault;
    }

    // Stands in the batch for an operation that was refused.
    private static readonly StoreOperation Settled = new NoOperation();

    [LoggerMessage(2900, LogLevel.Error, "The store stops: its file cannot be written")]
    private static partial void LogFault(ILogger logger, Exception exception);

    [LoggerMessage(2902, LogLevel.Error, "The disk is full: writes fail until there is room")]
    private static partial void LogFull(ILogger logger, Exception exception);

    private sealed class NoOperation : StoreOperation
    {
        public override void Prepare(StoreBatch batch) { }
    }
}
