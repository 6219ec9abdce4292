using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Sidecar.Redis.Protocol;

namespace Sidecar.Redis.Connections;

/// <summary>From an address to a connection that may be used: TCP, TLS, HELLO 3, SELECT, and a server that has loaded its data.</summary>
internal sealed partial class Connection
{
    private static readonly TimeSpan LoadingPoll = TimeSpan.FromMilliseconds(100);

    private string _step = "the address was looked up";

    /// <summary>Opens a connection within the connect timeout, with these channels subscribed.</summary>
    /// <exception cref="RedisConnectionException">It could not; the message says what was tried and what to do.</exception>
    public static async Task<Connection> OpenAsync(
        RedisOptions options, IReadOnlyCollection<RedisChannel> channels, Action<RedisReply> onPush, CancellationToken cancellationToken)
    {
        var connection = new Connection(options);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.ConnectTimeout);
        try
        {
            await connection.ConnectAsync(timeout.Token);
            await connection.GreetAsync(timeout.Token);
            await connection.ResubscribeAsync(channels, onPush, timeout.Token);
            return connection;
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw exception as RedisConnectionException ?? new RedisConnectionException($"{options}: {connection.Explain(exception)}", exception);
        }
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        _step = "the TCP connection was opened; is a firewall in between?";
        await _socket.ConnectAsync(_options.Host, _options.Port, cancellationToken);
        _stream = new NetworkStream(_socket, ownsSocket: true);
        if (_options.Tls)
        {
            _step = "the TLS handshake was made; does this port speak TLS?";
            var tls = new SslStream(_stream);
            _stream = tls;
            await tls.AuthenticateAsClientAsync(TlsSettings.Of(_options), cancellationToken);
        }
    }

    /// <summary>HELLO (with AUTH and SETNAME), SELECT and PING in one write, then their replies.</summary>
    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        _step = "HELLO was answered: the server accepts connections and does not answer; is it stopped or overloaded, or no Redis?";
        var commands = new CommandBuffer();
        commands.Append(_options.Password is { } password
            ? RedisCommand.Of("HELLO", 3, "AUTH", _options.Username ?? "default", password, "SETNAME", _options.ClientName)
            : RedisCommand.Of("HELLO", 3, "SETNAME", _options.ClientName));
        if (_options.Database != 0)
        {
            commands.Append(RedisCommand.Of("SELECT", _options.Database));
        }

        commands.Append(RedisCommand.Of("PING"));
        await _stream.WriteAsync(commands.Written, cancellationToken);

        CheckHello(await ReadAsync(cancellationToken));
        if (_options.Database != 0 && await ReadAsync(cancellationToken) is { IsError: true } refused)
        {
            throw Failure($"database {_options.Database} cannot be selected ({refused}); set redisDB to one that the server has (its setting 'databases')");
        }

        await UntilLoadedAsync(cancellationToken);
    }

    private void CheckHello(in RedisReply hello)
    {
        if (hello.IsError)
        {
            throw Refused(hello);
        }

        if (hello.Kind != RedisReplyKind.Map)
        {
            throw Failure($"HELLO was answered with {hello}, so this is not a Redis server; check redisHost and redisPort");
        }

        switch (Field(hello, "mode"))
        {
            case "cluster":
                throw Failure("the server is a node of a Redis Cluster, whose redirections this client does not follow; use a server in standalone mode");
            case "sentinel":
                throw Failure("the server is a Sentinel, which holds no data; give the address of the primary it watches");
        }
    }

    private RedisConnectionException Refused(in RedisReply error)
    {
        var refusal = error.ToException();
        return Failure(
            refusal.Code switch
            {
                "WRONGPASS" => $"the password or the user is wrong ({error}); check redisUsername and redisPassword",
                "NOAUTH" => $"the server wants a password ({error}); set redisPassword",
                "NOPERM" => $"the user may not open a connection ({error}); its ACL must allow HELLO",
                "NOPROTO" => $"the server does not speak RESP3 ({error}); Redis 6 or newer is needed, without a proxy that speaks RESP2 only",
                "DENIED" => $"the server refuses connections from other hosts ({error})",
                _ when refusal.Message.Contains("unknown command", StringComparison.OrdinalIgnoreCase) =>
                    $"the server does not know HELLO ({error}); its version is too old, Redis 6 or newer is needed",
                _ => $"HELLO was refused ({error})",
            },
            refusal);
    }

    /// <summary>A server that reads its data back from disk refuses commands with LOADING; it is asked again until the connect timeout.</summary>
    private async Task UntilLoadedAsync(CancellationToken cancellationToken)
    {
        var reply = await ReadAsync(cancellationToken);
        var ping = new CommandBuffer();
        ping.Append(RedisCommand.Of("PING"));
        while (reply.IsError && reply.ToException() is { Code: "LOADING" or "BUSY" or "MASTERDOWN" } busy)
        {
            _step = $"it was ready: {busy.Message}; wait for it, or raise dialTimeout";
            await Task.Delay(LoadingPoll, cancellationToken);
            await _stream.WriteAsync(ping.Written, cancellationToken);
            reply = await ReadAsync(cancellationToken);
        }
    }

    /// <summary>The subscriptions of the connection before this one. Messages may come before the last of them is confirmed.</summary>
    private async Task ResubscribeAsync(IReadOnlyCollection<RedisChannel> channels, Action<RedisReply> onPush, CancellationToken cancellationToken)
    {
        if (channels.Count == 0)
        {
            return;
        }

        _step = "the subscriptions were made";
        var commands = new CommandBuffer();
        foreach (var channel in channels)
        {
            commands.Append(channel.Subscribe());
        }

        await _stream.WriteAsync(commands.Written, cancellationToken);
        for (var confirmed = 0; confirmed < channels.Count;)
        {
            var reply = await ReadAsync(cancellationToken);
            if (reply.IsError)
            {
                throw Failure($"a subscription was refused ({reply})", reply.ToException());
            }

            if (IsConfirmation(reply))
            {
                confirmed++;
            }
            else
            {
                onPush(reply);
            }
        }
    }

    private async ValueTask<RedisReply> ReadAsync(CancellationToken cancellationToken)
    {
        RedisReply reply;
        while (!TryParse(out reply))
        {
            await FillAsync(cancellationToken);
        }

        return reply;
    }

    private string Explain(Exception exception) => exception switch
    {
        OperationCanceledException => $"{_options.ConnectTimeout.TotalSeconds:0.###} s passed before {_step}",
        RespException => $"{Guess()}; check redisHost, redisPort and enableTLS",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } =>
            "the host name is not known; check redisHost",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            "nothing listens there (connection refused); start the server, or check redisHost and redisPort",
        SocketException socket => $"no connection ({socket.SocketErrorCode}: {socket.Message})",
        AuthenticationException => $"the TLS handshake failed ({Innermost(exception)}); check the certificates, or enableTLS when the port does not speak TLS",
        EndOfStreamException or IOException when _options.Tls => $"the connection was closed during the TLS handshake or HELLO ({Innermost(exception)}); "
            + "does this port speak TLS, and does it ask for a client certificate?",
        EndOfStreamException or IOException => "the server closed the connection without an answer to HELLO; it is not a Redis server, or wants TLS (enableTLS)",
        _ => Innermost(exception),
    };

    /// <summary>What answers there, by its first bytes.</summary>
    private string Guess()
    {
        var bytes = _buffer.AsSpan(0, _end);
        return bytes.StartsWith("HTTP/"u8) ? "an HTTP server answers there, not Redis"
            : bytes.StartsWith("AMQP"u8) ? "an AMQP broker answers there, not Redis"
            : bytes is [0x15, 0x03, ..] ? "the port speaks TLS; set enableTLS"
            : $"what answers there is not Redis (it begins with '{Printable(bytes[..Math.Min(bytes.Length, 24)])}')";
    }

    private static string Printable(ReadOnlySpan<byte> bytes) =>
        string.Create(bytes.Length, Encoding.Latin1.GetString(bytes), static (text, raw) =>
        {
            for (var index = 0; index < text.Length; index++)
            {
                text[index] = raw[index] is >= ' ' and <= '~' ? raw[index] : '.';
            }
        });

    private static string Innermost(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.Message} {Innermost(inner)}" : exception.Message;

    private static string? Field(in RedisReply map, string name)
    {
        for (var index = 0; index + 1 < map.ItemArray.Length; index += 2)
        {
            if (map[index].AsString() == name)
            {
                return map[index + 1].AsString();
            }
        }

        return null;
    }

    private RedisConnectionException Failure(string sentence, Exception? cause = null) => new($"{_options}: {sentence}", cause);
}
