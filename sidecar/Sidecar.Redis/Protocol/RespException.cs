namespace Sidecar.Redis.Protocol;

/// <summary>Bytes that are not RESP3, or exceed a limit; the connection that they came from cannot be used further.</summary>
internal sealed class RespException(string message) : Exception(message);
