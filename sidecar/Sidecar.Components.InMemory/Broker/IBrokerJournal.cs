namespace Sidecar.Components.Broker;

/// <summary>
/// Where a durable broker writes down what its lasting groups have done. The calls complete when the fact is queued: a
/// fact that is lost in a crash means one more delivery, nothing else.
/// </summary>
internal interface IBrokerJournal
{
    ValueTask AcknowledgedAsync(Topic topic, string group, long sequence);

    ValueTask FailedAsync(Topic topic, string group, long sequence, int failures);
}
