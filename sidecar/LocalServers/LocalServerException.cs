namespace LocalServers;

/// <summary>A server did not start; the message says which, why, and what to do.</summary>
public sealed class LocalServerException(string message) : Exception(message);
