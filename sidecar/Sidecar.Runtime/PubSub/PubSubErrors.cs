namespace Sidecar.Runtime.PubSub;

/// <summary>Errors of the pub/sub API with Dapr's codes and statuses.</summary>
public static class PubSubErrors
{
    public static DaprErrorException NotConfigured(string appId, string why = "") => new(
        400, "ERR_PUBSUB_NOT_CONFIGURED", $"no pubsub is configured for app {appId}{why}", "DAPR_PUBSUB_NOT_CONFIGURED");

    public static DaprErrorException NotFound(string name, string why = "") => new(
        404, "ERR_PUBSUB_NOT_FOUND", $"pubsub {name} is not found{why}", "DAPR_PUBSUB_NOT_FOUND") { Resource = ("pubsub", name) };

    public static DaprErrorException NameEmpty() => new(404, "ERR_PUBSUB_EMPTY", "pubsub name is empty", "DAPR_PUBSUB_NAME_EMPTY");

    public static DaprErrorException TopicEmpty(string name) => new(
        404, "ERR_TOPIC_NAME_EMPTY", $"topic is empty in pubsub {name}", "DAPR_PUBSUB_TOPIC_NAME_EMPTY") { Resource = ("pubsub", name) };

    public static DaprErrorException Forbidden(string topic, string appId) => new(
        403, "ERR_PUBSUB_FORBIDDEN", $"topic {topic} is not allowed for app id {appId}", "DAPR_PUBSUB_FORBIDDEN");

    public static DaprErrorException PublishFailed(string name, string topic, Exception exception) => new(
        500, "ERR_PUBSUB_PUBLISH_MESSAGE", $"error when publish to topic {topic} in pubsub {name}: {exception.Message}", "DAPR_PUBSUB_PUBLISH_MESSAGE", exception);

    public static DaprErrorException BadMetadata(string message) => new(
        400, "ERR_PUBSUB_REQUEST_METADATA", $"failed deserializing metadata: {message}", "DAPR_PUBSUB_METADATA_DESERIALIZATION");

    public static DaprErrorException BadEnvelope(string message) => new(
        500, "ERR_PUBSUB_CLOUD_EVENTS_SER", $"cannot create cloudevent: {message}", "DAPR_PUBSUB_CLOUD_EVENTS_SER");

    /// <summary>Data that is said to be JSON and would make an envelope that nobody can read.</summary>
    public static DaprErrorException NotUtf8(string mediaType) => new(400, "ERR_MALFORMED_REQUEST", $"the data is sent as {mediaType} and is not valid UTF-8");

    public static DaprErrorException BadBulk(string message) => new(400, "ERR_PUBSUB_EVENTS_SER", message, "DAPR_PUBSUB_EVENTS_SER");
}
