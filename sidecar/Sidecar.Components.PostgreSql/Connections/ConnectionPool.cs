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

    private readonly NpgsqlDataSource _source = Source(settings.ConnectionString);
    private readonly NpgsqlDataSource _own = Source(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false }.ConnectionString);
    private readonly SemaphoreSlim _free = new(settings.MaxConnections);

    public ConnectionSettings Settings => settings;

    /// <summary>
    /// An open connection; disposing it gives it back. Waits while all are in use, and while the server is there but takes nobody: it starts, or
    /// its <c>max_connections</c> are used up. The token ends that.
    /// </summary>
    public async ValueTask<PooledConnection> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _free.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw new NoFreeConnectionException(exception);
        }

        try
        {
            return new PooledConnection(await OpenWhenTakenAsync(cancellationToken), _free);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>A connection of its own, outside the pool and its count, for listening.</summary>
    public ValueTask<NpgsqlConnection> OpenOwnAsync(CancellationToken cancellationToken) => _own.OpenConnectionAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _own.DisposeAsync();
        _free.Dispose();
    }

    // The types that are used here are known without asking the server for its list.
    private static NpgsqlDataSource Source(string connectionString) =>
        new NpgsqlDataSourceBuilder(connectionString).ConfigureTypeLoading(loading => loading.EnableTypeLoading(false)).Build();

    private async Task<NpgsqlConnection> OpenWhenTakenAsync(CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await _source.OpenConnectionAsync(cancellationToken);
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.CannotConnectNow)
            {
                try
                {
                    await Task.Delay(pause, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    throw exception;
                }
            }
        }
    }
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

/// <summary>All connections were in use until the time was over.</summary>
internal sealed class NoFreeConnectionException(OperationCanceledException inner) : OperationCanceledException(inner.Message, inner);
