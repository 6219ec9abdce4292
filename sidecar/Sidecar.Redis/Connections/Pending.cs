namespace Sidecar.Redis.Connections;

/// <summary>
/// One call on its way: queued, sent, done. Whoever moves it to done (the reply, a cancellation, a deadline, the end of the
/// connection) answers the caller; its place among the replies stays until its last reply has come.
/// </summary>
internal abstract class Pending
{
    private const int Queued = 0;
    private const int Sent = 1;
    private const int Done = 2;

    private int _state;
    private TimeSpan _timeout;

    /// <summary>The command's name, for messages.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Bytes in the buffer of what is not sent yet.</summary>
    public int Bytes { get; set; }

    /// <summary><see cref="Environment.TickCount64"/> at which the caller is told that it took too long.</summary>
    public long Deadline { get; private set; }

    /// <summary><see cref="Environment.TickCount64"/> at which the reply is overdue and the connection taken for dead: counted from the sending, not the call.</summary>
    public long Overdue { get; private set; }

    /// <summary>SUBSCRIBE and its like are answered by a push (or by an error reply).</summary>
    public bool IsAnsweredByPush { get; protected set; }

    /// <summary>The caller has been answered.</summary>
    public bool IsDone => Volatile.Read(ref _state) == Done;

    /// <summary>Takes it for sending; false when the caller has given up: it is not sent then.</summary>
    public bool TrySend(long now)
    {
        Overdue = After(now, _timeout);
        return Interlocked.CompareExchange(ref _state, Sent, Queued) == Queued;
    }

    /// <summary>Takes the next reply; true when it was the last.</summary>
    public abstract bool OnReply(in RedisReply reply);

    /// <summary>Fails the call, unless it is done; the exception is made with whether the command was sent.</summary>
    public void Fail(Func<Pending, bool, Exception> reason)
    {
        if (TryClaim(out var sent))
        {
            SetException(reason(this, sent));
        }
    }

    /// <summary>Keeps the object from being used for another call until <see cref="Leave"/>; false when nobody uses it.</summary>
    public virtual bool TryHold() => true;

    /// <summary>The queues, the caller, or who held it let go.</summary>
    public virtual void Leave()
    {
    }

    protected void Begin(string name, TimeSpan timeout)
    {
        Name = name;
        _timeout = timeout;
        Deadline = After(Environment.TickCount64, timeout);
    }

    protected abstract void SetException(Exception exception);

    protected bool TryClaim(out bool sent)
    {
        var before = Interlocked.Exchange(ref _state, Done);
        sent = before == Sent;
        return before != Done;
    }

    protected void Reset() => _state = Queued;

    private static long After(long now, TimeSpan timeout) =>
        timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : now + (long)timeout.TotalMilliseconds;
}
