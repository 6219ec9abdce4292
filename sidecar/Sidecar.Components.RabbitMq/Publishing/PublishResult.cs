namespace Sidecar.Components.RabbitMq.Publishing;

/// <summary>What became of a message that was sent.</summary>
internal enum PublishResult
{
    /// <summary>The broker has it, in every queue it belongs to, as durably as the queue is.</summary>
    Confirmed,

    /// <summary>The broker did not take it.</summary>
    Refused,

    /// <summary>No queue is bound for it.</summary>
    Unroutable,

    /// <summary>The channel closed before an answer: it may have been published.</summary>
    Lost,
}
