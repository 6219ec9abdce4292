using Npgsql;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// The connections of some components to one database. <c>maxConns</c> is counted here and not by Npgsql, whose only limit for waiting is that for
/// connecting, which is much shorter.
/// </summary>
internal sealed class ConnectionPool(ConnectionSettings settings) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _own = Source(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false }.ConnectionString);
    private Generation _current = new(settings);

    /// <summary>
    /// An open connection; disposing it gives it back. Waits while all are in use, and while the server is there but takes nobody: it starts, or
    /// its <c>max_connections</c> are used up. The operation's token ends that.
    /// </summary>
    public async ValueTask<PooledConnection> OpenAsync(Operation operation)
    {
        while (true)
        {
            var generation = operation.Generation = Volatile.Read(ref _current);
            operation.HasTurn = false;
            await generation.Free.WaitAsync(operation.Token);
            operation.HasTurn = true;
            try
            {
                return new PooledConnection(await OpenWhenTakenAsync(generation.Source, operation), generation.Free);
            }
            catch (ObjectDisposedException) when (generation != Volatile.Read(ref _current))
            {
                // Left behind while this operation waited, which takes one of the new connections then.
                generation.Free.Release();
            }
            catch
            {
                generation.Free.Release();
                throw;
            }
        }
    }

    /// <summary>A connection of its own, outside the pool and its count, for listening.</summary>
    public Task<NpgsqlConnection> OpenOwnAsync(Operation operation) => OpenWhenTakenAsync(_own, operation);

    /// <summary>
    /// Leaves the connections behind that the server does not let go of, and begins with new ones: Npgsql can break off a statement only with the
    /// server's help, and a host that is gone without a word would keep them for a quarter of an hour.
    /// </summary>
    public void Abandon(Generation generation)
    {
        if (Interlocked.CompareExchange(ref _current, new Generation(settings), generation) == generation)
        {
            _ = generation.Source.DisposeAsync().AsTask();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _current.Source.DisposeAsync();
        await _own.DisposeAsync();
    }

    private static async Task<NpgsqlConnection> OpenWhenTakenAsync(NpgsqlDataSource source, Operation operation)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var connection = await source.OpenConnectionAsync(operation.Token);
                operation.Refusal = null;
                return connection;
            }
            catch (PostgresException exception) when (operation.WaitsForServer && exception.SqlState is PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.CannotConnectNow)
            {
                operation.Refusal = exception;
                await Task.Delay(pause, operation.Token);
            }
        }
    }

    // The types that are used here are known without asking the server for its list.
    private static NpgsqlDataSource Source(string connectionString) =>
        new NpgsqlDataSourceBuilder(connectionString).ConfigureTypeLoading(loading => loading.EnableTypeLoading(false)).Build();

    /// <summary>Connections made since the last time some were left behind.</summary>
    internal sealed class Generation(ConnectionSettings settings)
    {
        public NpgsqlDataSource Source { get; } = Source(settings.ConnectionString);

        public SemaphoreSlim Free { get; } = new(settings.MaxConnections);
    }
}

/// <summary>One operation: how to stop it, and how far it has come.</summary>
internal sealed class Operation : CancellationTokenSource
{
    /// <summary>Where its connection comes from.</summary>
    public ConnectionPool.Generation? Generation { get; set; }

    /// <summary>Whether it is one of the <c>maxConns</c>.</summary>
    public bool HasTurn { get; set; }

    /// <summary>Whether a server that takes nobody now is waited for.</summary>
    public bool WaitsForServer { get; set; } = true;

    /// <summary>What the server said the last time when it took nobody.</summary>
    public PostgresException? Refusal { get; set; }
}

/// <summary>A connection in use.</summary>
internal readonly struct PooledConnection(NpgsqlConnection connection, SemaphoreSlim free) : IAsyncDisposable
{
    public NpgsqlConnection Connection => connection;

    public async ValueTask DisposeAsync()
    {
        try
        {
            await connection.DisposeAsync();
        }
        finally
        {
            free.Release();
        }
    }
}
