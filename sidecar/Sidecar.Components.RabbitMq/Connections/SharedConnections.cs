using Microsoft.Extensions.Logging;

namespace Sidecar.Components.RabbitMq.Connections;

/// <summary>The connections of this process. All instances of a component share two, however many apps use it.</summary>
internal static class SharedConnections
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<(BrokerAddress Address, string Role), (BrokerConnection Connection, int Users)> Open = [];

    /// <summary>A connection for a user, who disposes of his lease; with the last lease it is closed.</summary>
    public static Lease Rent(BrokerAddress address, string role, ILogger logger)
    {
        lock (Gate)
        {
            var (connection, users) = Open.GetValueOrDefault((address, role), (new BrokerConnection(address, role, logger), 0));
            Open[(address, role)] = (connection, users + 1);
            return new Lease(connection, (address, role));
        }
    }

    internal sealed class Lease(BrokerConnection connection, (BrokerAddress Address, string Role) key) : IAsyncDisposable
    {
        private bool _returned;

        public BrokerConnection Connection => connection;

        public async ValueTask DisposeAsync()
        {
            lock (Gate)
            {
                if (_returned)
                {
                    return;
                }

                _returned = true;
                var users = Open[key].Users - 1;
                if (users > 0)
                {
                    Open[key] = (connection, users);
                    return;
                }

                Open.Remove(key);
            }

            await connection.CloseAsync();
        }
    }
}
