using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// One component's way to its database. Every operation ends within metadata <c>timeout</c>, with a sentence when it fails. A write is never sent
/// twice: when its connection breaks nobody knows whether it has happened, and the caller is told.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>The first version with <c>gen_random_uuid()</c>, which the tables of v2 call.</summary>
    private static readonly Version Oldest = new(13, 0);

    private readonly ConnectionPools _pools;
    private readonly ConnectionPool _pool;
    private int _disposed;

    public Database(ComponentContext context, ConnectionPools pools)
    {
        Settings = ConnectionSettings.Read(context.Metadata);
        Logger = context.Services.GetService<ILoggerFactory>()?.CreateLogger($"Sidecar.Components.PostgreSql.{context.Type}") ?? NullLogger.Instance;
        Time = context.Services.GetService<TimeProvider>() ?? TimeProvider.System;
        _pools = pools;
        _pool = pools.Acquire(Settings);
    }

    public ConnectionSettings Settings { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    /// <summary>Connects once and looks whether this is a server that will do.</summary>
    public Task CheckServerAsync(CancellationToken cancellationToken) => ReadAsync(
        this,
        static (connection, database, _) => connection.PostgreSqlVersion >= Oldest
            ? Task.FromResult(true)
            : throw new ComponentException(
                $"{database.Settings.Where}: PostgreSQL {Oldest.Major} or later is needed, this is {connection.PostgreSqlVersion}; upgrade the server"),
        cancellationToken);

    /// <summary>An operation that changes nothing: when it meets a connection that the server has closed meanwhile it is done again.</summary>
    public Task<T> ReadAsync<TState, T>(TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> read, CancellationToken cancellationToken) =>
        RunAsync(state, read, repeatable: true, cancellationToken);

    /// <summary>An operation that is sent once.</summary>
    public Task<T> WriteAsync<TState, T>(TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> write, CancellationToken cancellationToken) =>
        RunAsync(state, write, repeatable: false, cancellationToken);

    /// <summary>A connection for listening.</summary>
    public async Task<NpgsqlConnection> OpenOwnAsync(CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        try
        {
            return await _pool.OpenOwnAsync(limit.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failures.Explain(exception, Settings);
        }
    }

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _pools.ReleaseAsync(_pool) : ValueTask.CompletedTask;

    private async Task<T> RunAsync<TState, T>(
        TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> work, bool repeatable, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        while (true)
        {
            try
            {
                await using var pooled = await _pool.OpenAsync(limit.Token);
                return await work(pooled.Connection, state, limit.Token);
            }
            catch (NpgsqlException exception) when (repeatable && Failures.IsBrokenConnection(exception))
            {
                // Once: Npgsql has emptied its pool of such connections, or this one was the last.
                repeatable = false;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is NpgsqlException or OperationCanceledException or TimeoutException)
            {
                throw Failures.Explain(exception, Settings);
            }
        }
    }

    private CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Settings.Timeout);
        return limit;
    }
}
