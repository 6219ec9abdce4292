using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Sidecar.Components.RabbitMq.Publishing;

/// <summary>
/// A channel with publisher confirms. Messages are sent one after the other without waiting; the broker's answers come later, several with one
/// frame. A message that no queue took is returned first and confirmed then.
/// </summary>
internal sealed class ConfirmChannel
{
    private readonly IChannel _channel;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Sent> _sent = [];
    private ulong _lowest = 1;
    private ShutdownEventArgs? _closed;

    private ConfirmChannel(IChannel channel)
    {
        _channel = channel;
        channel.BasicAcksAsync += (_, answer) => Answered(answer.DeliveryTag, answer.Multiple, PublishResult.Confirmed);
        channel.BasicNacksAsync += (_, answer) => Answered(answer.DeliveryTag, answer.Multiple, PublishResult.Refused);
        channel.BasicReturnAsync += (_, message) => Returned(message);
        channel.ChannelShutdownAsync += (_, reason) => Closed(reason);
    }

    public static async Task<ConfirmChannel> OpenAsync(IConnection connection, CancellationToken cancellationToken) =>
        new(await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), cancellationToken));

    public bool IsOpen => _channel.IsOpen && CloseReason is null;

    /// <summary>Why the channel is closed; null while it is open.</summary>
    public ShutdownEventArgs? CloseReason => Volatile.Read(ref _closed);

    /// <summary>Sends a message. The task in the result is the broker's answer. Throws when the message was not sent.</summary>
    public async Task<Task<PublishResult>> SendAsync(string exchange, Publication message, bool mandatory, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            var number = await _channel.GetNextPublishSequenceNumberAsync(cancellationToken);
            var sent = new Sent(exchange, message.RoutingKey, message.Properties.MessageId);
            lock (_gate)
            {
                if (_closed is not null)
                {
                    return Task.FromResult(PublishResult.Lost);
                }

                _sent[number] = sent;
            }

            try
            {
                await _channel.BasicPublishAsync(exchange, message.RoutingKey, mandatory, message.Properties, message.Body, cancellationToken);
            }
            catch
            {
                lock (_gate)
                {
                    _sent.Remove(number);
                }

                throw;
            }

            return sent.Answer.Task;
        }
        finally
        {
            _sending.Release();
        }
    }

    public async Task CloseAsync() => await _channel.DisposeAsync();

    private Task Answered(ulong number, bool multiple, PublishResult result)
    {
        lock (_gate)
        {
            for (var current = multiple ? _lowest : number; current <= number; current++)
            {
                if (_sent.Remove(current, out var sent))
                {
                    sent.Answer.TrySetResult(sent.Returned ? PublishResult.Unroutable : result);
                }
            }

            if (multiple)
            {
                _lowest = number + 1;
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Nothing in a returned message says which one it is; of equal ones it is the oldest.</summary>
    private Task Returned(BasicReturnEventArgs message)
    {
        lock (_gate)
        {
            var number = _sent
                .Where(entry => !entry.Value.Returned && entry.Value.Exchange == message.Exchange && entry.Value.RoutingKey == message.RoutingKey
                    && entry.Value.MessageId == message.BasicProperties.MessageId)
                .Min(entry => (ulong?)entry.Key);
            if (number is { } known)
            {
                _sent[known].Returned = true;
            }
        }

        return Task.CompletedTask;
    }

    private Task Closed(ShutdownEventArgs reason)
    {
        lock (_gate)
        {
            _closed = reason;
            foreach (var sent in _sent.Values)
            {
                sent.Answer.TrySetResult(PublishResult.Lost);
            }

            _sent.Clear();
        }

        return Task.CompletedTask;
    }

    private sealed class Sent(string exchange, string routingKey, string? messageId)
    {
        public string Exchange => exchange;

        public string RoutingKey => routingKey;

        public string? MessageId => messageId;

        public bool Returned { get; set; }

        public TaskCompletionSource<PublishResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
