using Sidecar.Redis.Connections;

namespace Sidecar.Redis;

/// <summary>Commands, pipelines, transactions, scripts.</summary>
public sealed partial class RedisClient
{
    /// <summary>Runs one command.</summary>
    /// <exception cref="RedisServerException">The reply is an error.</exception>
    /// <exception cref="RedisConnectionException">No connection in time, no reply in time, or a connection that broke.</exception>
    public ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken = default) =>
        ExecuteAsync(command, _options.CommandTimeout, answeredByPush: false, cancellationToken);

    /// <summary>
    /// Runs a command that may block on the server for a time before it answers (<c>XREADGROUP … BLOCK</c>), on a dedicated client;
    /// the command timeout begins after that.
    /// </summary>
    public ValueTask<RedisReply> ExecuteBlockingAsync(RedisCommand command, TimeSpan block, CancellationToken cancellationToken = default) =>
        ExecuteAsync(command, Later(_options.CommandTimeout, block), answeredByPush: false, cancellationToken);

    /// <summary>Runs commands as one pipeline: written together, replies in their order. Errors are among the replies.</summary>
    public async ValueTask<IReadOnlyList<RedisReply>> ExecuteManyAsync(IReadOnlyList<RedisCommand> commands, CancellationToken cancellationToken = default) =>
        commands.Count == 0 ? [] : await BatchAsync(commands, inTransaction: false, cancellationToken);

    /// <summary>
    /// Runs commands as MULTI … EXEC in one write: all of them, or none when one of them is refused before it runs. Errors of
    /// commands while they ran are among the replies; the others took effect.
    /// </summary>
    /// <exception cref="RedisServerException">Nothing ran: code EXECABORT with the command that was refused.</exception>
    public async ValueTask<IReadOnlyList<RedisReply>> TransactionAsync(IReadOnlyList<RedisCommand> commands, CancellationToken cancellationToken = default)
    {
        if (commands.Count == 0)
        {
            return [];
        }

        var replies = await BatchAsync(commands, inTransaction: true, cancellationToken);
        var result = replies[^1];
        if (!result.IsError)
        {
            return result.ItemArray;
        }

        var refused = Array.FindIndex(replies, reply => reply.IsError);
        var name = refused == 0 ? "MULTI" : refused <= commands.Count ? commands[refused - 1].Name : "EXEC";
        throw new RedisServerException(result.AsString()!, $"{name}: {replies[refused].AsString()}");
    }

    /// <summary>Runs a script by its hash, and once with its text when the server does not know it.</summary>
    public async ValueTask<RedisReply> EvaluateAsync(
        RedisScript script, IReadOnlyList<RedisArgument> keys, IReadOnlyList<RedisArgument> arguments, CancellationToken cancellationToken = default)
    {
        try
        {
            return await ExecuteAsync(script.ToHashCommand(keys, arguments), cancellationToken);
        }
        catch (RedisServerException exception) when (exception.Code == "NOSCRIPT")
        {
            return await ExecuteAsync(script.ToCommand(keys, arguments), cancellationToken);
        }
    }

    private ValueTask<RedisReply> ExecuteAsync(in RedisCommand command, TimeSpan timeout, bool answeredByPush, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<RedisReply>(cancellationToken);
        }

        var pending = PendingCommand.Rent(_options, command.Name, timeout, answeredByPush, cancellationToken);
        try
        {
            return _outbox.TryAdd(pending, command) ? pending.Task : WhenRoomAsync(pending, command, cancellationToken);
        }
        catch
        {
            pending.Abandon();
            throw;
        }
    }

    private async ValueTask<RedisReply> WhenRoomAsync(PendingCommand pending, RedisCommand command, CancellationToken cancellationToken)
    {
        try
        {
            do
            {
                await RoomAsync(pending, cancellationToken);
            }
            while (!_outbox.TryAdd(pending, command));
        }
        catch
        {
            pending.Abandon();
            throw;
        }

        return await pending.Task;
    }

    private async Task<RedisReply[]> BatchAsync(IReadOnlyList<RedisCommand> commands, bool inTransaction, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var pending = new PendingBatch(
            inTransaction ? "a transaction" : "a pipeline", commands.Count + (inTransaction ? 2 : 0), _options.CommandTimeout);
        while (!_outbox.TryAdd(pending, commands, inTransaction))
        {
            await RoomAsync(pending, cancellationToken);
        }

        return await pending.WaitAsync(cancellationToken);
    }

    private async Task RoomAsync(Pending pending, CancellationToken cancellationToken)
    {
        var room = _outbox.RoomAsync();
        if (pending.Deadline == long.MaxValue)
        {
            await room.WaitAsync(cancellationToken);
            return;
        }

        try
        {
            await room.WaitAsync(TimeSpan.FromMilliseconds(Math.Max(0, pending.Deadline - Environment.TickCount64)), cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new RedisConnectionException(
                $"{_options}: {pending.Name} was not sent: {_options.MaxInFlight} calls or {_options.MaxUnsentBytes} bytes were waiting before it "
                + $"all of its time ({LastError?.Message ?? "the server is too slow"})");
        }
    }

    private static TimeSpan Later(TimeSpan timeout, TimeSpan block) =>
        timeout == Timeout.InfiniteTimeSpan || block == Timeout.InfiniteTimeSpan ? Timeout.InfiniteTimeSpan : timeout + block;
}
