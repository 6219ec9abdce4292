namespace Sidecar.Runtime.Outbox;

/// <summary>Errors of the outbox with Dapr's codes and statuses.</summary>
public static class OutboxErrors
{
    public static DaprErrorException PublishFailed(string message, Exception? exception = null) => new(
        500, "ERR_PUBLISH_OUTBOX", $"error while publishing outbox message: {message}", "DAPR_PUBSUB_OUTBOX", exception);
}
