using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client.Exceptions;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Connections;

/// <summary>Why no connection came about, in a sentence that says what to do.</summary>
internal static class ConnectProblem
{
    /// <summary>
    /// An <see cref="IOException"/> when nobody listens there yet or who does hangs up, which passes; otherwise a <see cref="ComponentException"/>, for a setting
    /// is wrong.
    /// </summary>
    public static Exception Of(Exception exception, BrokerAddress address)
    {
        foreach (var cause in Causes(exception))
        {
            switch (cause)
            {
                case AuthenticationFailureException:
                    return new ComponentException(address.External
                        ? $"{address} refused the client certificate: is its subject a user there, and the plugin rabbitmq_auth_mechanism_ssl on?"
                        : $"{address} refused user '{address.UserName}' or its password (guest may sign in from the broker's own machine only)", exception);
                case OperationInterruptedException { ShutdownReason: { ReplyCode: TopologyProblem.NotAllowed } reason }:
                    return new ComponentException(
                        $"{address} let user '{address.UserName}' in but not into virtual host '{address.VirtualHost}' ({reason.ReplyText}): create it "
                        + $"(rabbitmqctl add_vhost) and give the user permissions there (rabbitmqctl set_permissions -p {address.VirtualHost} {address.UserName} '.*' '.*' '.*')",
                        exception);
                case ProtocolVersionMismatchException or PacketNotRecognizedException or MalformedFrameException:
                    return NotAmqp(address, exception);
                case AuthenticationException:
                    return new ComponentException($"no TLS with {address}: {cause.Message} Is caCert the authority of its certificate, and the port the one for TLS?", exception);
                case EndOfStreamException:
                    // What a RabbitMQ that boots does as well: its port is open before it takes connections.
                    return new IOException($"{address} took the connection and closed it without a word: is this the port of RabbitMQ, and has it booted?{TlsHint(address)}", cause);
                case SocketException socket:
                    return new IOException(
                        $"no connection to {address}: {socket.Message}; is RabbitMQ running there?{(socket.SocketErrorCode == SocketError.ConnectionReset ? TlsHint(address) : "")}", socket);
            }
        }

        // Whoever says something else than AMQP leaves the client with a broken stream.
        return Causes(exception).Any(cause => cause is IOException and not BrokerUnreachableException) ? NotAmqp(address, exception)
            : Causes(exception).Any(cause => cause is OperationCanceledException or TimeoutException)
                ? new ComponentException(
                    $"{address} took the connection and did not answer within connectTimeout ({address.ConnectTimeout.TotalSeconds:0.#} s): is this the port of RabbitMQ, and is the server alive?",
                    exception)
                : new ComponentException($"no connection to {address}: {exception.Message}", exception);
    }

    private static ComponentException NotAmqp(BrokerAddress address, Exception exception) =>
        new($"what listens at {address} does not speak AMQP 0-9-1: is this the port of RabbitMQ?{TlsHint(address)}", exception);

    private static string TlsHint(BrokerAddress address) => address.Tls ? "" : " A port for TLS needs amqps://.";

    private static IEnumerable<Exception> Causes(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is AggregateException { InnerExceptions: var inner })
            {
                foreach (var nested in inner.SelectMany(Causes))
                {
                    yield return nested;
                }

                yield break;
            }

            yield return cause;
        }
    }
}
