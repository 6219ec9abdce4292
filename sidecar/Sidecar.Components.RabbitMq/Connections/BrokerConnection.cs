using System.Text;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Connections;

/// <summary>
/// A connection that is opened when somebody needs it and again when it was lost. There is one for publishing and one for consuming: a broker that
/// is short of memory stops reading from those that publish, and acknowledgements must still get through.
/// </summary>
internal sealed partial class BrokerConnection(BrokerAddress address, string role, ILogger logger) : IAsyncDisposable
{
    /// <summary>Oldest server with quorum queues and single active consumers.</summary>
    private static readonly Version OldestServer = new(3, 8);

    private readonly Lock _gate = new();
    private Task<IConnection>? _current;
    private TaskCompletionSource? _blocked;
    private bool _closed;

    public BrokerAddress Address => address;

    /// <summary>Why the broker takes no messages at the moment (it is short of memory or disk); null when it does.</summary>
    public string? BlockedBecause { get; private set; }

    /// <summary>The open connection, or one that is opened now. Throws what <see cref="ConnectProblem"/> says.</summary>
    public async Task<IConnection> OpenAsync(CancellationToken cancellationToken)
    {
        Task<IConnection> connecting;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_current is null or { IsFaulted: true } or { IsCanceled: true } or { IsCompletedSuccessfully: true, Result.IsOpen: false })
            {
                var lost = _current;
                _current = Task.Run(() => ConnectAsync(lost), CancellationToken.None);
            }

            connecting = _current;
        }

        return await connecting.WaitAsync(cancellationToken);
    }

    /// <summary>Returns when the broker takes messages.</summary>
    public Task WhenUnblockedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _blocked is null ? Task.CompletedTask : _blocked.Task.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<IConnection>? current;
        lock (_gate)
        {
            (_closed, current) = (true, _current);
            Unblock();
        }

        await DisposeAsync(current);
    }

    private async Task<IConnection> ConnectAsync(Task<IConnection>? lost)
    {
        await DisposeAsync(lost);
        using var limit = new CancellationTokenSource(address.ConnectTimeout);
        IConnection? connection = null;
        try
        {
            connection = await address.Factory(role).CreateConnectionAsync(limit.Token);

            // The client does not wait until the virtual host is open; a channel does.
            await using var channel = await connection.CreateChannelAsync(cancellationToken: limit.Token);
        }
        catch (Exception exception)
        {
            await DisposeAsync(connection is null ? null : Task.FromResult(connection));
            throw ConnectProblem.Of(exception, address);
        }

        if (connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] text
            && Version.TryParse(Encoding.UTF8.GetString(text).Split('-', '+')[0], out var version) && version < OldestServer)
        {
            await DisposeAsync(Task.FromResult(connection));
            throw new ComponentException($"{address} is RabbitMQ {version}: {OldestServer} or a later one is needed");
        }

        connection.ConnectionBlockedAsync += (_, blocked) => Block(blocked.Reason);
        connection.ConnectionUnblockedAsync += (_, _) => Unblocked();
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            if (reason.Initiator != ShutdownInitiator.Application)
            {
                LogLost(logger, address, role, reason.ReplyText);
            }

            return Unblocked();
        };
        LogConnected(logger, address, role);
        return connection;
    }

    private Task Block(string reason)
    {
        LogBlocked(logger, address, reason);
        lock (_gate)
        {
            BlockedBecause = reason;
            _blocked ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return Task.CompletedTask;
    }

    private Task Unblocked()
    {
        lock (_gate)
        {
            Unblock();
        }

        return Task.CompletedTask;
    }

    /// <summary>Gate held.</summary>
    private void Unblock()
    {
        BlockedBecause = null;
        _blocked?.TrySetResult();
        _blocked = null;
    }

    private static async Task DisposeAsync(Task<IConnection>? connection)
    {
        try
        {
            if (connection is not null)
            {
                await (await connection).DisposeAsync();
            }
        }
        catch (Exception)
        {
            // Nothing hangs on a connection that is given up.
        }
    }

    [LoggerMessage(3060, LogLevel.Information, "Connected to {Address} for {Role}")]
    private static partial void LogConnected(ILogger logger, BrokerAddress address, string role);

    [LoggerMessage(3061, LogLevel.Warning, "Lost the connection to {Address} for {Role}: {Reason}")]
    private static partial void LogLost(ILogger logger, BrokerAddress address, string role, string reason);

    [LoggerMessage(3062, LogLevel.Warning, "{Address} takes no messages: {Reason}")]
    private static partial void LogBlocked(ILogger logger, BrokerAddress address, string reason);
}
