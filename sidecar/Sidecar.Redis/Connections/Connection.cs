using System.Collections.Concurrent;
using System.Net.Sockets;
using Sidecar.Redis.Protocol;

namespace Sidecar.Redis.Connections;

/// <summary>One socket: it is opened, serves until it ends for the first reason, and is never used again.</summary>
internal sealed partial class Connection : IAsyncDisposable
{
    /// <summary>More than the longest line, so that a line that has not ended always leaves room to read on.</summary>
    private const int ReadBufferLength = 2 * RespParser.MaxLine;

    private readonly RedisOptions _options;
    private readonly RespParser _parser = new();
    private readonly byte[] _buffer = new byte[ReadBufferLength];
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private Stream _stream = Stream.Null;
    private int _start;
    private int _end;
    private long _lastReceived = Environment.TickCount64;
    private Exception? _reason;

    private Connection(RedisOptions options) => _options = options;

    /// <summary>Calls that were sent, in the order of their replies; the writer adds, the reader takes.</summary>
    public ConcurrentQueue<Pending> InFlight { get; } = new();

    /// <summary><see cref="Environment.TickCount64"/> when bytes last arrived.</summary>
    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>Writes a batch of commands.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> commands) => _stream.WriteAsync(commands);

    /// <summary>Ends the connection; the first reason counts.</summary>
    public void Abort(Exception reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _socket.Dispose();
    }

    /// <summary>Hands replies to their calls until the connection ends, and returns why it did.</summary>
    public async Task<Exception> ServeAsync(Action<RedisReply> onPush, Action<int> onLeft)
    {
        try
        {
            while (true)
            {
                Dispatch(onPush, onLeft);
                await FillAsync(CancellationToken.None);
            }
        }
        catch (Exception exception)
        {
            Abort(exception is RespException ? new RedisConnectionException($"{_options}: {exception.Message}; the connection was closed") : exception);
            return _reason!;
        }
    }

    /// <summary>Fails what was sent and got no reply; after <see cref="ServeAsync"/>, and detached.</summary>
    public int FailInFlight(Func<Pending, bool, Exception> reason)
    {
        var count = 0;
        while (InFlight.TryDequeue(out var pending))
        {
            pending.Fail(reason);
            pending.Leave();
            count++;
        }

        return count;
    }

    /// <summary>
    /// Fails callers whose time is over, and names a call whose reply is so late that the connection must be dead: nothing at all came for as
    /// long as a reply may take. One that is only slow is kept, for a new one would not be faster and what was sent would be in doubt.
    /// </summary>
    public string? Expire(long now, Func<Pending, bool, Exception> reason)
    {
        string? overdue = null;
        var isSilent = now - LastReceived > _options.CommandTimeout.TotalMilliseconds;
        foreach (var pending in InFlight)
        {
            // The reader takes calls out meanwhile, and their objects are used again.
            if (!pending.TryHold())
            {
                continue;
            }

            if (now > pending.Overdue && isSilent)
            {
                overdue ??= pending.Name;
            }

            if (now > pending.Deadline)
            {
                pending.Fail(reason);
            }

            pending.Leave();
        }

        return overdue;
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _stream.DisposeAsync();
    }

    private void Dispatch(Action<RedisReply> onPush, Action<int> onLeft)
    {
        var left = 0;
        try
        {
            while (TryParse(out var reply))
            {
                if (reply.Kind == RedisReplyKind.Push && !IsConfirmation(reply))
                {
                    onPush(reply);
                    continue;
                }

                if (!InFlight.TryPeek(out var pending) || (reply.Kind == RedisReplyKind.Push && !pending.IsAnsweredByPush))
                {
                    throw new RespException("a reply came to no command");
                }

                if (pending.OnReply(reply))
                {
                    InFlight.TryDequeue(out _);
                    pending.Leave();
                    left++;
                }
            }
        }
        finally
        {
            if (left > 0)
            {
                onLeft(left);
            }
        }
    }

    private bool TryParse(out RedisReply reply) => _parser.TryRead(_buffer.AsSpan(0, _end), ref _start, out reply);

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _buffer.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        var count = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        if (count == 0)
        {
            throw new EndOfStreamException($"{_options}: the server closed the connection");
        }

        _end += count;
        Volatile.Write(ref _lastReceived, Environment.TickCount64);
    }

    /// <summary>RESP3 answers SUBSCRIBE and its like by a push, one for each channel; every command here names one channel.</summary>
    private static bool IsConfirmation(in RedisReply push)
    {
        var word = push.ItemArray is [{ Kind: RedisReplyKind.String } first, ..] ? first.AsBytes().Span : default;
        return word.EndsWith("subscribe"u8);
    }
}
