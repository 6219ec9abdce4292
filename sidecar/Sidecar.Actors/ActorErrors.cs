using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <summary>Errors of the actor API with Dapr's codes and statuses (protocol: HTTP §0.3).</summary>
public static class ActorErrors
{
    public static DaprErrorException InstanceMissing() => new(400, "ERR_ACTOR_INSTANCE_MISSING", "actor instance is missing");

    public static DaprErrorException RuntimeNotFound() => new(
        500, "ERR_ACTOR_RUNTIME_NOT_FOUND", "the actor runtime has no state store: one in the app's scope needs metadata actorStateStore: \"true\"");

    public static DaprErrorException NoAddress(string type, string id) => new(404, "ERR_ACTOR_NO_ADDRESS", $"no running app hosts actor {type}/{id}");

    public static DaprErrorException StackDepth() => new(500, "ERR_ACTOR_STACK_DEPTH", "maximum stack depth exceeded");

    public static DaprErrorException Closed() => new(503, "ERR_ACTOR_RUNTIME_CLOSED", "the sidecar is stopping");

    public static DaprErrorException Reserved(string type) => new(403, "ERR_ACTOR_TYPE_RESERVED", $"actor type {type} is reserved");

    public static DaprErrorException Malformed(string message) => new(400, "ERR_MALFORMED_REQUEST", message);

    public static DaprErrorException Invoke(string reason, Exception? innerException = null) => new(
        500, "ERR_ACTOR_INVOKE_METHOD", $"error invoke actor method: {reason}", innerException: innerException);

    public static DaprErrorException StateGet(Exception exception) => new(
        500, "ERR_ACTOR_STATE_GET", $"error getting actor state: {exception.Message}", innerException: exception);

    public static DaprErrorException StateSave(string reason, Exception? innerException = null) => new(
        500, "ERR_ACTOR_STATE_TRANSACTION_SAVE", $"error saving actor transaction state: {reason}", innerException: innerException);

    public static DaprErrorException TimerCreate(string reason, Exception? innerException = null) => new(
        500, "ERR_ACTOR_TIMER_CREATE", $"error creating actor timer: {reason}", innerException: innerException);

    public static DaprErrorException Reminder(string operation, string what, Exception exception) => new(
        500, $"ERR_ACTOR_REMINDER_{operation}", $"error {what} actor reminder: {exception.Message}", innerException: exception);

    public static DaprErrorException ReminderExists(string name) => new(409, "ERR_ACTOR_REMINDER_ALREADY_EXISTS", $"actor reminder {name} exists already");

    public static DaprErrorException ReminderNotFound(string name) => new(404, "ERR_ACTOR_REMINDER_NOT_FOUND", $"actor reminder {name} not found");

    public static DaprErrorException NotHosted(string type) => new(
        403, "ERR_ACTOR_REMINDER_NON_HOSTED", $"this app does not host actors of type {type}: it has no say in their reminders");

    public static DaprErrorException UnknownOperation(string operation) => new(
        400, "ERR_NOT_SUPPORTED_STATE_OPERATION", $"operation type {operation} not supported");
}
