namespace Tandem.Protocol.Grpc;

/// <summary>The sending side of a server-streaming call.</summary>
public interface IServerStreamWriter<in T>
{
    /// <summary>
    /// Sends one message and waits until flow control has taken it. Safe to call from several threads; messages are
    /// sent one after the other. Throws <see cref="OperationCanceledException"/> when the caller has gone.
    /// </summary>
    ValueTask WriteAsync(T message, CancellationToken cancellationToken = default);
}
