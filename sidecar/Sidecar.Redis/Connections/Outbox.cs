using Sidecar.Redis.Protocol;

namespace Sidecar.Redis.Connections;

/// <summary>
/// Commands on their way to the socket. Callers append to one buffer while another is being written; a batch is what came
/// together during the write before it. Without a connection the commands stay, and go to the next one unless their callers give
/// up first: a command that was never sent may wait, one that was is never taken back.
/// </summary>
internal sealed class Outbox(RedisOptions options) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private CommandBuffer _filling = new();
    private CommandBuffer _writing = new();
    private readonly List<Pending> _queued = [];
    private Connection? _connection;
    private TaskCompletionSource? _room;
    private int _inUse;
    private bool _flushing;
    private bool _closed;

    /// <summary>The connection that commands go to; null while there is none.</summary>
    public Connection? Connection
    {
        get
        {
            lock (_gate)
            {
                return _connection;
            }
        }
    }

    private bool HasQueued
    {
        get
        {
            lock (_gate)
            {
                return _queued.Count > 0;
            }
        }
    }

    private bool HasRoom => _inUse < options.MaxInFlight && _filling.Length < options.MaxUnsentBytes;

    /// <summary>Queues a command; false when there is no room.</summary>
    public bool TryAdd(Pending pending, in RedisCommand command)
    {
        bool flush, alone;
        lock (_gate)
        {
            if (!MayAdd())
            {
                return false;
            }

            var start = _filling.Length;
            try
            {
                _filling.Append(command);
            }
            catch
            {
                _filling.Truncate(start);
                throw;
            }

            (flush, alone) = Added(pending, start);
        }

        StartFlush(flush, alone);
        return true;
    }

    /// <summary>Queues commands that stay together; false when there is no room.</summary>
    public bool TryAdd(Pending pending, IReadOnlyList<RedisCommand> commands, bool inTransaction)
    {
        bool flush, alone;
        lock (_gate)
        {
            if (!MayAdd())
            {
                return false;
            }

            var start = _filling.Length;
            try
            {
                if (inTransaction)
                {
                    _filling.Append(RedisCommand.Of("MULTI"));
                }

                for (var index = 0; index < commands.Count; index++)
                {
                    _filling.Append(commands[index]);
                }

                if (inTransaction)
                {
                    _filling.Append(RedisCommand.Of("EXEC"));
                }
            }
            catch
            {
                _filling.Truncate(start);
                throw;
            }

            (flush, alone) = Added(pending, start);
        }

        StartFlush(flush, alone);
        return true;
    }

    /// <summary>Ends when there may be room; the caller tries again.</summary>
    public Task RoomAsync()
    {
        lock (_gate)
        {
            if (HasRoom || _closed)
            {
                return Task.CompletedTask;
            }

            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Calls have had their last reply, or failed with their connection.</summary>
    public void Left(int count)
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            _inUse -= count;
            room = TakeRoom();
        }

        room?.TrySetResult();
    }

    /// <summary>Commands go to this connection from now on, first those that have waited for it; false when nothing is to be sent any more.</summary>
    public bool Attach(Connection connection)
    {
        bool flush;
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _connection = connection;
            flush = StartsFlush();
        }

        StartFlush(flush, alone: false);
        return true;
    }

    /// <summary>Nothing more goes to this connection.</summary>
    public void Detach(Connection connection)
    {
        lock (_gate)
        {
            if (_connection == connection)
            {
                _connection = null;
            }
        }
    }

    /// <summary>Fails what waits longer than it may.</summary>
    public void Expire(long now, Func<Pending, bool, Exception> reason)
    {
        TaskCompletionSource? room = null;
        lock (_gate)
        {
            var expired = false;
            foreach (var pending in _queued)
            {
                if (now > pending.Deadline)
                {
                    pending.Fail(reason);
                }

                expired |= pending.IsDone;
            }

            if (expired)
            {
                DropDone();
                room = TakeRoom();
            }
        }

        room?.TrySetResult();
    }

    /// <summary>Refuses further commands, fails those that wait, and gives back the connection that is to be ended.</summary>
    public Connection? Close(Func<Pending, bool, Exception> reason)
    {
        TaskCompletionSource? room;
        Connection? connection;
        lock (_gate)
        {
            _closed = true;
            (connection, _connection) = (_connection, null);
            foreach (var pending in _queued)
            {
                pending.Fail(reason);
            }

            DropDone();
            (room, _room) = (_room, null);
        }

        room?.TrySetResult();
        return connection;
    }

    /// <summary>The flush of several callers' commands: those that are ready to call get to do so before it starts.</summary>
    void IThreadPoolWorkItem.Execute() => _ = FlushAsync(isCaller: false);

    private bool MayAdd()
    {
        ObjectDisposedException.ThrowIf(_closed, typeof(RedisClient));
        return HasRoom;
    }

    private (bool Flush, bool Alone) Added(Pending pending, int start)
    {
        pending.Bytes = _filling.Length - start;
        _queued.Add(pending);
        _inUse++;
        return (StartsFlush(), _inUse == 1);
    }

    private bool StartsFlush()
    {
        if (_flushing || _connection is null || _queued.Count == 0)
        {
            return false;
        }

        return _flushing = true;
    }

    /// <summary>A single caller writes by itself, which saves it a change of threads; with others about, the batch is worth more.</summary>
    private void StartFlush(bool flush, bool alone)
    {
        if (flush && alone)
        {
            _ = FlushAsync(isCaller: true);
        }
        else if (flush)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async Task FlushAsync(bool isCaller)
    {
        while (Take() is { } connection)
        {
            try
            {
                if (_writing.Length > 0)
                {
                    await connection.WriteAsync(_writing.Written);
                }
            }
            catch (Exception exception)
            {
                Detach(connection);
                connection.Abort(exception);
            }

            _writing.Clear();
            if (isCaller && HasQueued)
            {
                // A caller writes its own command, and is not kept for those of others.
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }
        }
    }

    /// <summary>
    /// Hands the queue to the connection: calls are sent from here on, in the order of their bytes. Done under the lock, so that
    /// a connection that was detached gets no more.
    /// </summary>
    private Connection? Take()
    {
        TaskCompletionSource? room;
        Connection? connection;
        lock (_gate)
        {
            if (!TakeQueued())
            {
                _flushing = false;
                return null;
            }

            connection = _connection!;
            room = TakeRoom();
        }

        room?.TrySetResult();
        return connection;
    }

    private bool TakeQueued()
    {
        if (_connection is not { } connection || _queued.Count == 0)
        {
            return false;
        }

        var (position, dropped) = (0, 0);
        var now = Environment.TickCount64;
        foreach (var pending in _queued)
        {
            if (pending.TrySend(now))
            {
                position += pending.Bytes;
                connection.InFlight.Enqueue(pending);
            }
            else
            {
                _filling.Remove(position, pending.Bytes);
                pending.Leave();
                dropped++;
            }
        }

        _inUse -= dropped;
        _queued.Clear();
        (_filling, _writing) = (_writing, _filling);
        return true;
    }

    private void DropDone()
    {
        var (position, kept) = (0, 0);
        for (var index = 0; index < _queued.Count; index++)
        {
            var pending = _queued[index];
            if (pending.IsDone)
            {
                _filling.Remove(position, pending.Bytes);
                pending.Leave();
                _inUse--;
            }
            else
            {
                position += pending.Bytes;
                _queued[kept++] = pending;
            }
        }

        _queued.RemoveRange(kept, _queued.Count - kept);
    }

    private TaskCompletionSource? TakeRoom()
    {
        if (_room is null || !HasRoom)
        {
            return null;
        }

        var room = _room;
        _room = null;
        return room;
    }
}
