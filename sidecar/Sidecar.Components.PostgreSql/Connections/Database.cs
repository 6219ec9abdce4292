using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// One component's way to its database. Every operation ends within metadata <c>timeout</c>, whatever the server does, with a sentence when it fails. A write is never sent
/// twice: when its connection breaks nobody knows whether it has happened, and the caller is told.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>The first version with <c>gen_random_uuid()</c>, which the tables of v2 call.</summary>
    private static readonly Version Oldest = new(13, 0);

    /// <summary>How long the server may take to stop a statement before the connections to it are given up.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(3);

    private readonly Share<ConnectionPool> _pool;

    public Database(ComponentContext context, Shared<string, ConnectionPool> pools)
    {
        Settings = ConnectionSettings.Read(context.Metadata);
        Logger = context.Services.GetService<ILoggerFactory>()?.CreateLogger($"Sidecar.Components.PostgreSql.{context.Type}") ?? NullLogger.Instance;
        Time = context.Services.GetService<TimeProvider>() ?? TimeProvider.System;
        _pool = pools.Acquire(Settings.ConnectionString, () => new ConnectionPool(Settings));
    }

    public ConnectionSettings Settings { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    /// <summary>Connects once and looks whether this is a server that will do. One that takes nobody now is not waited for: the start is repeated.</summary>
    public Task CheckServerAsync(CancellationToken cancellationToken) => WithinTimeoutAsync(
        operation =>
        {
            operation.WaitsForServer = false;
            return RunAsync(
                this,
                static (connection, database, _) => connection.PostgreSqlVersion >= Oldest
                    ? Task.FromResult(true)
                    : throw new ComponentException(
                        $"{database.Settings.Where}: PostgreSQL {Oldest.Major} or later is needed, this is {connection.PostgreSqlVersion}; upgrade the server"),
                repeatable: true, operation);
        },
        cancellationToken);

    /// <summary>An operation that changes nothing: when it meets a connection that the server has closed meanwhile it is done again.</summary>
    public Task<T> ReadAsync<TState, T>(TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> read, CancellationToken cancellationToken) =>
        RunAsync(state, read, repeatable: true, cancellationToken);

    /// <summary>An operation that is sent once.</summary>
    public Task<T> WriteAsync<TState, T>(TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> write, CancellationToken cancellationToken) =>
        RunAsync(state, write, repeatable: false, cancellationToken);

    /// <summary>A connection of its own, outside the pool, on which something has been done already.</summary>
    public Task<NpgsqlConnection> OpenOwnAsync(string statement, Action<NpgsqlConnection> prepare, CancellationToken cancellationToken) => WithinTimeoutAsync(
        operation => OpenOwnAsync(statement, prepare, operation), cancellationToken);

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private Task<T> RunAsync<TState, T>(
        TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> work, bool repeatable, CancellationToken cancellationToken) =>
        WithinTimeoutAsync(operation => RunAsync(state, work, repeatable, operation), cancellationToken);

    private async Task<T> RunAsync<TState, T>(TState state, Func<NpgsqlConnection, TState, CancellationToken, Task<T>> work, bool repeatable, Operation operation)
    {
        while (true)
        {
            try
            {
                await using var pooled = await _pool.Value.OpenAsync(operation);
                return await work(pooled.Connection, state, operation.Token);
            }
            catch (NpgsqlException exception) when (repeatable && Failures.IsBrokenConnection(exception))
            {
                // Once: Npgsql has emptied its pool of such connections, or this one was the last.
                repeatable = false;
            }
        }
    }

    private async Task<NpgsqlConnection> OpenOwnAsync(string statement, Action<NpgsqlConnection> prepare, Operation operation)
    {
        var connection = await _pool.Value.OpenOwnAsync(operation);
        try
        {
            prepare(connection);
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync(operation.Token);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Returns when the operation does, the time is over or the caller goes away, whichever is first. What still runs then is stopped in the background,
    /// since that may take as long as the server is frozen.
    /// </summary>
    private async Task<T> WithinTimeoutAsync<T>(Func<Operation, Task<T>> run, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var operation = new Operation();
        var running = run(operation);
        try
        {
            return await running.WaitAsync(Settings.Timeout, cancellationToken);
        }
        catch (TimeoutException) when (running.IsCompletedSuccessfully)
        {
            return await running;
        }
        catch (Exception exception) when (!running.IsCompleted)
        {
            _ = StopAsync(running, operation);
            throw exception is TimeoutException ? Failures.TimedOut(operation, Settings) : exception;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            throw Failures.Explain(exception, Settings);
        }
    }

    private async Task StopAsync<T>(Task<T> running, Operation operation)
    {
        // Npgsql asks the server to stop within this call, and waits for it without a limit.
        _ = Task.Factory.StartNew(operation.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await ((Task)running).WaitAsync(StopTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (!running.IsCompleted && operation.Generation is { } generation)
        {
            _pool.Value.Abandon(generation);
        }

        if (running.IsCompletedSuccessfully && running.Result is NpgsqlConnection unwanted)
        {
            await unwanted.DisposeAsync();
        }
    }
}
