namespace Sidecar.Runtime.State;

/// <summary>Errors of the state API with Dapr's codes and statuses.</summary>
public static class StateErrors
{
    public static DaprErrorException NotConfigured(string appId, string why = "") => new(
        500, "ERR_STATE_STORE_NOT_CONFIGURED", $"state store is not configured for app {appId}{why}", "DAPR_STATE_NOT_CONFIGURED");

    public static DaprErrorException NotFound(string store, string why = "") => new(
        400, "ERR_STATE_STORE_NOT_FOUND", $"state store {store} is not found{why}", "DAPR_STATE_NOT_FOUND") { Resource = ("state", store) };

    public static DaprErrorException IllegalKey(string key, string store) => new(
        400, "ERR_MALFORMED_REQUEST", $"input key/keyPrefix '{key}' can't contain '||'", "DAPR_STATE_ILLEGAL_KEY") { Resource = ("state", store) };

    public static DaprErrorException NoTransactions(string store) => new(
        500, "ERR_STATE_STORE_NOT_SUPPORTED", $"state store {store} doesn't support transactions", "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED")
    {
        Resource = ("state", store),
    };

    public static DaprErrorException NoQuery(string store) => new(
        500, "ERR_STATE_STORE_NOT_SUPPORTED", $"state store {store} doesn't support querying", "DAPR_STATE_QUERYING_NOT_SUPPORTED")
    {
        Resource = ("state", store),
    };

    public static DaprErrorException Malformed(string message) => new(400, "ERR_MALFORMED_REQUEST", message);

    public static DaprErrorException UnknownOperation(string operation) => new(
        400, "ERR_NOT_SUPPORTED_STATE_OPERATION", $"operation type {operation} not supported");

    /// <summary>A failed save, delete or get: 409 for a stale etag, 400 for one of the wrong form, else 500.</summary>
    public static DaprErrorException Failed(string code, string store, Exception exception) => new(
        exception switch { Abstractions.ETagMismatchException => 409, Abstractions.ETagInvalidException => 400, _ => 500 },
        code, $"failed in state store {store}: {exception.Message}", innerException: exception);
}
