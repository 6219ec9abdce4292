using RabbitMQ.Client.Events;
using Sidecar.Components.RabbitMq.Connections;

namespace Sidecar.Components.RabbitMq.Publishing;

/// <summary>Messages for one exchange and what became of each.</summary>
internal sealed class PublishBatch(string exchange, IReadOnlyList<Publication> messages, BrokerAddress address)
{
    private readonly Task<PublishResult>?[] _answers = new Task<PublishResult>?[messages.Count];
    private readonly List<int> _left = [.. Enumerable.Range(0, messages.Count)];

    /// <summary>Null where the broker has the message.</summary>
    public Exception?[] Errors { get; } = new Exception?[messages.Count];

    public bool IsSettled => _left.Count == 0;

    /// <summary>Sends what is left; mandatory as the component says where the message does not.</summary>
    public async ValueTask SendAsync(ConfirmChannel channel, bool mandatory, CancellationToken cancellationToken)
    {
        Array.Clear(_answers);
        foreach (var index in _left)
        {
            _answers[index] = await channel.SendAsync(exchange, messages[index], messages[index].Mandatory ?? mandatory, cancellationToken);
        }
    }

    /// <summary>Waits for the answers to all that was sent. The result: whether what was declared is gone.</summary>
    public async ValueTask<bool> AnswersAsync(ConfirmChannel channel, CancellationToken cancellationToken)
    {
        await Task.WhenAll(_left.Select(index => _answers[index]!)).WaitAsync(cancellationToken);

        // The loss of a channel hits everything on it; only what names this exchange is about these messages.
        var refusal = channel.CloseReason is { } reason && reason.ReplyText.Contains($"'{exchange}'", StringComparison.Ordinal) ? reason : null;
        Settle(refusal);
        return refusal is { ReplyCode: TopologyProblem.NotFound } || _answers.Any(answer => answer is { IsCompletedSuccessfully: true, Result: PublishResult.Unroutable });
    }

    /// <summary>Takes out what the broker has answered.</summary>
    public void Settle(ShutdownEventArgs? refusal) => _left.RemoveAll(index =>
    {
        if (_answers[index] is not { IsCompletedSuccessfully: true, Result: var result })
        {
            return false;
        }

        Errors[index] = result switch
        {
            PublishResult.Refused => new IOException($"{address} refused the message: a queue {Destination(index)} is full (overflow reject-publish), or could not store it"),
            PublishResult.Unroutable when exchange.Length == 0 => new IOException($"{address} has no queue '{messages[index].RoutingKey}': it was deleted"),
            PublishResult.Unroutable => new IOException(
                $"no queue is bound to exchange '{exchange}' at {address} for this message, so nobody would get it: import the topology or start a subscriber "
                + "first, or set metadata 'mandatory' to false"),
            PublishResult.Lost when refusal is { ReplyCode: TopologyProblem.AccessRefused } => new IOException(
                $"user '{address.UserName}' may not publish to exchange '{exchange}' at {address}: give the permission with rabbitmqctl set_permissions"),
            _ => null,
        };
        return result == PublishResult.Confirmed || Errors[index] is not null;
    });

    /// <summary>Fails what is left.</summary>
    public void Fail(Exception exception)
    {
        foreach (var index in _left)
        {
            Errors[index] = exception;
        }

        _left.Clear();
    }

    private string Destination(int index) => exchange.Length == 0 ? $"'{messages[index].RoutingKey}'" : $"of exchange '{exchange}'";
}
