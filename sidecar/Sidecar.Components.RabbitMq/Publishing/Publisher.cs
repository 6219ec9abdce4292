using RabbitMQ.Client;
using Sidecar.Components.RabbitMq.Connections;

namespace Sidecar.Components.RabbitMq.Publishing;

/// <summary>How a component publishes.</summary>
internal sealed record PublisherOptions
{
    /// <summary>
    /// Metadata <c>publishTimeout</c>: a publish that is not confirmed by then has failed. It covers a restart of the broker: until then it is tried
    /// again on a new connection, which can publish a message twice. Default 20 s.
    /// </summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Metadata <c>reconnectWaitSeconds</c>: pause between two tries. Default 3 s.</summary>
    public TimeSpan ReconnectWait { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Metadata <c>publisherConfirm</c>: "false" returns when a message was sent, whatever the broker makes of it. Default true, unlike daprd.</summary>
    public bool Confirm { get; init; } = true;

    /// <summary>A message that no queue takes fails.</summary>
    public bool Mandatory { get; init; }

    /// <summary>Makes sure that there is where to publish to, once per connection.</summary>
    public required Func<IConnection, string, CancellationToken, Task> DeclareAsync { get; init; }
}

/// <summary>
/// Publishing of one component: 1. a channel, opened again when it was lost; 2. the exchange, declared once per connection; 3. all messages in
/// order, without waiting between them; 4. the broker's answer to each. What was lost with its channel goes round again until
/// <see cref="PublisherOptions.PublishTimeout"/>.
/// </summary>
internal sealed class Publisher(BrokerConnection connection, PublisherOptions options) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly Dictionary<string, IConnection> _declared = [];
    private IConnection? _connection;
    private ConfirmChannel? _channel;

    /// <summary>Publishes in order; one entry per message: null when the broker has it, else why not.</summary>
    public async ValueTask<Exception?[]> PublishAsync(string exchange, IReadOnlyList<Publication> messages, CancellationToken cancellationToken)
    {
        var batch = new PublishBatch(exchange, messages, connection.Address);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.PublishTimeout);
        Exception? last = null;
        for (var round = 0; !batch.IsSettled; round++)
        {
            try
            {
                // The first try after a loss needs no pause: often it was the channel alone.
                if (round > 1)
                {
                    await Task.Delay(options.ReconnectWait, limit.Token);
                }

                await connection.WhenUnblockedAsync(limit.Token);
                var channel = await ChannelAsync(exchange, limit.Token);
                await batch.SendAsync(channel, options.Mandatory, limit.Token);
                if (!options.Confirm)
                {
                    break;
                }

                if (await batch.AnswersAsync(channel, limit.Token))
                {
                    Forget(exchange);
                }
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                cancellationToken.ThrowIfCancellationRequested();
                batch.Settle(null);
                batch.Fail(NotConfirmed(last));
            }
            catch (Exception exception)
            {
                last = exception;
                if (TopologyProblem.Of(exception, connection.Address) is { } refusal)
                {
                    batch.Fail(refusal);
                }
            }
        }

        return batch.Errors;
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel is { } channel)
        {
            await channel.CloseAsync();
        }
    }

    private IOException NotConfirmed(Exception? last) => new(
        connection.BlockedBecause is { } blocked
            ? $"{connection.Address} takes no messages now ({blocked}), and did not within publishTimeout ({options.PublishTimeout.TotalSeconds:0.#} s): free memory or disk on the broker"
            : $"{connection.Address} did not confirm the message within publishTimeout ({options.PublishTimeout.TotalSeconds:0.#} s)"
                + (last is null ? "; it may have been published" : $": {last.Message}"),
        last!);

    private async Task<ConfirmChannel> ChannelAsync(string exchange, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_channel is not { IsOpen: true } channel)
            {
                if (_channel is { } lost)
                {
                    _channel = null;
                    await lost.CloseAsync();
                }

                _connection = await connection.OpenAsync(cancellationToken);
                _channel = channel = await ConfirmChannel.OpenAsync(_connection, cancellationToken);
            }

            if (!IsDeclared(exchange))
            {
                await options.DeclareAsync(_connection!, exchange, cancellationToken);
                lock (_declared)
                {
                    _declared[exchange] = _connection!;
                }
            }

            return channel;
        }
        finally
        {
            _opening.Release();
        }
    }

    private bool IsDeclared(string exchange)
    {
        lock (_declared)
        {
            return _declared.TryGetValue(exchange, out var where) && ReferenceEquals(where, _connection);
        }
    }

    private void Forget(string exchange)
    {
        lock (_declared)
        {
            _declared.Remove(exchange);
        }
    }
}
