using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>An empty database, and components on it; each call of the factories is an app instance of a process of its own, with its own connections.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private static int _count;
    private readonly List<IComponent> _components = [];

    private TestDatabase(PostgresServer server, string name) => (Server, Name) = (server, name);

    public PostgresServer Server { get; }

    public string Name { get; }

    public RecordedLog Log { get; } = new();

    /// <summary>On the shared server, or on one of the test's own.</summary>
    public static async Task<TestDatabase> CreateAsync(PostgresServer? server = null)
    {
        server ??= await Servers.PostgresAsync();
        var database = new TestDatabase(server, $"test_{Interlocked.Increment(ref _count)}");
        await server.CreateDatabaseAsync(database.Name);
        return database;
    }

    public Task<string> QueryAsync(string sql) => Server.QueryAsync(sql, Name);

    /// <summary>Locks a row of the table state until what it returns is disposed.</summary>
    public async Task<IAsyncDisposable> LockAsync(string key)
    {
        // Without a pool, so that the transaction ends with the connection.
        var connection = new NpgsqlConnection(Server.ConnectionString(Name) + ";Pooling=false;Timeout=60");
        await connection.OpenAsync();
        await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT FROM state WHERE key = $1 FOR UPDATE", connection) { Parameters = { new() { Value = key } } };
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    public Task<IStateStore> StateAsync(params (string Name, string Value)[] metadata) => StartAsync<IStateStore>("state.postgresql", metadata);

    public Task<IConfigurationStore> ConfigurationAsync(params (string Name, string Value)[] metadata) =>
        StartAsync<IConfigurationStore>("configuration.postgresql", [("table", "configuration"), ("notifyChannel", "changes"), .. metadata]);

    public Task<IOutputBinding> BindingAsync(params (string Name, string Value)[] metadata) => StartAsync<IOutputBinding>("bindings.postgresql", metadata);

    /// <summary>What is given wins over where the database is.</summary>
    public async Task<T> StartAsync<T>(string type, (string Name, string Value)[] metadata, string version = "v2") where T : IComponent
    {
        KeyValuePair<string, string>[] values =
        [
            new("host", Server.Host), new("port", $"{Server.Port}"), new("user", "postgres"), new("password", Server.Password), new("database", Name),
            new("connectionString", "connect_timeout=60"),
            .. metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)),
        ];
        var services = new ServiceCollection().AddSingleton(TimeProvider.System).AddSingleton<ILoggerFactory>(Log).BuildServiceProvider();
        var context = new ComponentContext("store", type, version, new ComponentMetadata(values), "app", 0, "/", "/", services);
        var component = (T)new ComponentRegistry().AddPostgreSql().Find(type)!(context);
        await component.InitAsync(CancellationToken.None);
        lock (_components)
        {
            _components.Add(component);
        }

        return component;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var component in _components)
        {
            await component.DisposeAsync();
        }
    }
}

/// <summary>What the components have logged.</summary>
internal sealed class RecordedLog : ILoggerFactory, ILogger
{
    private readonly List<string> _lines = [];

    public string Text
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
        {
            _lines.Add(formatter(state, exception));
        }
    }

    public void Dispose()
    {
    }
}

internal static class Wait
{
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
