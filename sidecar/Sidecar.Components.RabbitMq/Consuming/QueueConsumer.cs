using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq.Connections;

namespace Sidecar.Components.RabbitMq.Consuming;

/// <summary>
/// Consumes a queue until it is disposed: after every loss of the channel everything is declared and consumed again. What the handler makes of a
/// message: it completes, acknowledged; it throws <see cref="MessageReturnedException"/> or is cancelled, back to the queue at once; it fails,
/// back to the queue after a pause. A message whose answer was lost with the channel comes again. Handlers begin in the order of the queue.
/// </summary>
internal sealed partial class QueueConsumer : IAsyncDisposable
{
    private readonly BrokerConnection _connection;
    private readonly ConsumerOptions _options;
    private readonly Func<Delivery, CancellationToken, Task> _handler;
    private readonly ILogger _logger;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly SemaphoreSlim _slots;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running = 1;
    private Task _loop = Task.CompletedTask;

    private QueueConsumer(
        BrokerConnection connection, ConsumerOptions options, Func<Delivery, CancellationToken, Task> handler, ILogger logger,
        CancellationToken cancellationToken)
    {
        (_connection, _options, _handler, _logger, _cancellationToken) = (connection, options, handler, logger, cancellationToken);
        _slots = new SemaphoreSlim(options.MaxHandlers);
        _registration = cancellationToken.UnsafeRegister(static consumer => ((QueueConsumer)consumer!)._stop.Cancel(), this);
    }

    /// <summary>Returns when the broker hands messages over. The token cancels the handlers and ends the intake, then and later.</summary>
    public static async Task<QueueConsumer> StartAsync(
        BrokerConnection connection, ConsumerOptions options, Func<Delivery, CancellationToken, Task> handler, ILogger logger,
        CancellationToken cancellationToken)
    {
        var consumer = new QueueConsumer(connection, options, handler, logger, cancellationToken);
        try
        {
            consumer._loop = consumer.RunAsync(await consumer.ConnectAsync(cancellationToken));
            return consumer;
        }
        catch (Exception exception)
        {
            await consumer._registration.DisposeAsync();
            throw TopologyProblem.Of(exception, connection.Address) ?? exception;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync();
        await _stop.CancelAsync();
        await _loop;
    }

    private async Task RunAsync(ConsumerSession first)
    {
        ConsumerSession? session = first;
        while (session is not null && await IsLostAsync(session))
        {
            LogLost(_logger, _options.Queue, _connection.Address, session.Reason);
            await session.CloseAsync();
            session = await ReconnectAsync();
        }

        // The end: nothing new, then what runs, then the channel, which gives back what is left.
        if (session is not null)
        {
            await session.StopAsync();
        }

        Finished();
        await _drained.Task;
        if (session is not null)
        {
            await session.CloseAsync();
        }
    }

    /// <summary>Waits for the end of the session, true, or of the consumer.</summary>
    private async Task<bool> IsLostAsync(ConsumerSession session)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, session.Ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !_stop.IsCancellationRequested;
    }

    private async Task<ConsumerSession?> ReconnectAsync()
    {
        for (var attempt = 1; !_stop.IsCancellationRequested; attempt++)
        {
            try
            {
                var session = await ConnectAsync(_stop.Token);
                LogAgain(_logger, _options.Queue, _connection.Address);
                return session;
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                LogNotYet(_logger, _options.Queue, attempt, (TopologyProblem.Of(exception, _connection.Address) ?? exception).Message);
            }
            catch (Exception)
            {
                return null;
            }

            await Task.Delay(_options.ReconnectWait, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    private async Task<ConsumerSession> ConnectAsync(CancellationToken cancellationToken) =>
        await ConsumerSession.StartAsync(await _connection.OpenAsync(cancellationToken), _options, Deliver, cancellationToken);

    private void Deliver(ConsumerSession session, Delivery delivery)
    {
        Interlocked.Increment(ref _running);
        // Asked for here, where messages come one after the other: those who wait for the semaphore are let in as they came.
        var turn = _slots.WaitAsync(_stop.Token);
        _ = Task.Run(() => DeliverAsync(session, delivery, turn));
    }

    private async Task DeliverAsync(ConsumerSession session, Delivery delivery, Task turn)
    {
        try
        {
            await HandleAsync(session, delivery, turn);
        }
        finally
        {
            Finished();
        }
    }

    private async Task HandleAsync(ConsumerSession session, Delivery delivery, Task turn)
    {
        var failed = false;
        try
        {
            await turn;
            try
            {
                if (_options.AutoAck)
                {
                    await session.AcknowledgeAsync(delivery.Tag);
                }

                await _handler(delivery, _cancellationToken);
            }
            finally
            {
                _slots.Release();
            }

            if (!_options.AutoAck)
            {
                await session.AcknowledgeAsync(delivery.Tag);
            }

            return;
        }
        catch (Exception exception)
        {
            // The runtime has retried, dead-lettered and logged by its own rules.
            failed = exception is not (MessageReturnedException or OperationCanceledException);
        }

        if (_options.AutoAck)
        {
            return;
        }

        if (failed)
        {
            await FailAsync(session, delivery);
        }
        else
        {
            await ReturnAsync(session, delivery);
        }
    }

    private async Task FailAsync(ConsumerSession session, Delivery delivery)
    {
        if (_options.Requeue)
        {
            await PauseAsync(session, _options.RedeliverInterval);
        }

        await session.RejectAsync(delivery.Tag, _options.Requeue);
    }

    private async Task ReturnAsync(ConsumerSession session, Delivery delivery)
    {
        if (_stop.IsCancellationRequested)
        {
            await session.StopAsync();
        }
        else if (_options.DeletedWhenUnused)
        {
            await PauseAsync(session, _options.ReturnPause);
        }
        else
        {
            await session.PauseAsync(_options.ReturnPause);
        }

        await session.RejectAsync(delivery.Tag, requeue: true);
    }

    private async Task PauseAsync(ConsumerSession session, TimeSpan pause)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, session.Ended);
        await Task.Delay(pause, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Finished()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _drained.TrySetResult();
        }
    }

    [LoggerMessage(3063, LogLevel.Warning, "Queue {Queue} at {Address} is not consumed for now: {Reason}")]
    private static partial void LogLost(ILogger logger, string queue, BrokerAddress address, string reason);

    [LoggerMessage(3064, LogLevel.Information, "Queue {Queue} at {Address} is consumed again")]
    private static partial void LogAgain(ILogger logger, string queue, BrokerAddress address);

    [LoggerMessage(3065, LogLevel.Warning, "Queue {Queue} cannot be consumed yet (attempt {Attempt}): {Problem}")]
    private static partial void LogNotYet(ILogger logger, string queue, int attempt, string problem);
}
