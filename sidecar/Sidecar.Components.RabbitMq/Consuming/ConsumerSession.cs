using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Sidecar.Components.RabbitMq.Consuming;

/// <summary>A consumer on one channel, until that is lost. What was not acknowledged goes to another consumer then.</summary>
internal sealed class ConsumerSession : AsyncDefaultBasicConsumer
{
    /// <summary>AMQP's bound for the name of a consumer.</summary>
    private const int LongestTag = 255;

    private readonly IChannel _channel;
    private readonly ConsumerOptions _options;
    private readonly Action<ConsumerSession, Delivery> _deliver;
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _changing = new(1, 1);
    private string? _tag;
    private bool _stopped;

    private ConsumerSession(IChannel channel, ConsumerOptions options, Action<ConsumerSession, Delivery> deliver) : base(channel) =>
        (_channel, _options, _deliver) = (channel, options, deliver);

    /// <summary>Cancelled when the channel or the queue is gone.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Why it ended.</summary>
    public string Reason { get; private set; } = "the channel closed";

    public static async Task<ConsumerSession> StartAsync(
        IConnection connection, ConsumerOptions options, Action<ConsumerSession, Delivery> deliver, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var session = new ConsumerSession(channel, options, deliver);
        try
        {
            await options.DeclareAsync(channel, cancellationToken);
            await channel.BasicQosAsync(0, (ushort)options.Prefetch, global: false, cancellationToken);
            channel.ChannelShutdownAsync += (_, reason) => session.EndAsync(reason.ReplyText);
            await session.ConsumeAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.CloseAsync();
            throw;
        }
    }

    public override Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        _deliver(this, new Delivery(deliveryTag, redelivered, properties, body.ToArray()));
        return Task.CompletedTask;
    }

    /// <summary>The broker ends the consumer, e.g. because the queue was deleted.</summary>
    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default) =>
        EndAsync("the broker ended the consumer; was the queue deleted?");

    public ValueTask AcknowledgeAsync(ulong tag) => SettleAsync(() => _channel.BasicAckAsync(tag, multiple: false));

    public ValueTask RejectAsync(ulong tag, bool requeue) => SettleAsync(() => _channel.BasicRejectAsync(tag, requeue));

    /// <summary>
    /// Gets nothing more for a while, so that what is given back goes to others. The first call begins the pause; returns when the broker knows.
    /// </summary>
    public async Task PauseAsync(TimeSpan pause)
    {
        await _changing.WaitAsync();
        try
        {
            if (_tag is null)
            {
                return;
            }

            await CancelAsync();
        }
        finally
        {
            _changing.Release();
        }

        _ = ResumeAsync(pause);
    }

    /// <summary>Gets nothing more. What runs can still be acknowledged.</summary>
    public async Task StopAsync()
    {
        await _changing.WaitAsync();
        try
        {
            _stopped = true;
            if (_tag is not null)
            {
                await CancelAsync();
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    public async Task CloseAsync()
    {
        await EndAsync(Reason);
        try
        {
            await _channel.DisposeAsync();
        }
        catch (Exception)
        {
            // With its connection gone there is nothing to close.
        }
    }

    private async Task ResumeAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, Ended);
            await _changing.WaitAsync(Ended);
            try
            {
                if (!_stopped)
                {
                    await ConsumeAsync(Ended);
                }
            }
            finally
            {
                _changing.Release();
            }
        }
        catch (Exception exception)
        {
            await EndAsync(exception.Message);
        }
    }

    private async Task ConsumeAsync(CancellationToken cancellationToken)
    {
        var tag = $"{_options.Queue}-{Guid.NewGuid()}";
        _tag = await _channel.BasicConsumeAsync(
            _options.Queue, autoAck: false, tag.Length > LongestTag ? tag[^LongestTag..] : tag, this, cancellationToken);
    }

    private async Task CancelAsync()
    {
        try
        {
            await _channel.BasicCancelAsync(_tag!);
        }
        catch (Exception exception)
        {
            await EndAsync(exception.Message);
        }

        _tag = null;
    }

    /// <summary>An answer that the broker does not get is as none: the message comes again.</summary>
    private static async ValueTask SettleAsync(Func<ValueTask> answer)
    {
        try
        {
            await answer();
        }
        catch (Exception)
        {
            // The channel is gone, and with it the number of the message.
        }
    }

    private async Task EndAsync(string reason)
    {
        if (!_ended.IsCancellationRequested)
        {
            Reason = reason;
            await _ended.CancelAsync();
        }
    }
}
