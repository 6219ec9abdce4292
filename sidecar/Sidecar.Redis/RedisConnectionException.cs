namespace Sidecar.Redis;

/// <summary>No connection, none in time, or one that broke; the message says to which address, what was tried and what to do.</summary>
public sealed class RedisConnectionException : Exception
{
    /// <summary>A failure with its sentence and cause.</summary>
    public RedisConnectionException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }

    /// <summary>
    /// The command had been given to the connection, so the server may have run it. It was not and will not be sent again; when
    /// false it never left and never will.
    /// </summary>
    public bool MayHaveRun { get; init; }
}
