namespace Sidecar.Redis.Connections;

/// <summary>A pipeline or a transaction: one call with several replies.</summary>
internal sealed class PendingBatch : Pending
{
    private readonly TaskCompletionSource<RedisReply[]> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RedisReply[] _replies;
    private int _received;

    public PendingBatch(string name, int replies, TimeSpan timeout)
    {
        Begin(name, timeout);
        _replies = new RedisReply[replies];
    }

    public async Task<RedisReply[]> WaitAsync(CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Pending)state!).Fail((_, _) => new OperationCanceledException(token)), this);
        return await _source.Task;
    }

    public override bool OnReply(in RedisReply reply)
    {
        _replies[_received++] = reply;
        if (_received < _replies.Length)
        {
            return false;
        }

        if (TryClaim(out _))
        {
            _source.SetResult(_replies);
        }

        return true;
    }

    protected override void SetException(Exception exception) => _source.SetException(exception);
}
