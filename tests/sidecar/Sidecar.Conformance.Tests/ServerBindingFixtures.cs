using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql;
using Sidecar.Components.RabbitMq;
using Sidecar.Components.Redis;
using TestKit;
using TestServers;

namespace Sidecar.Conformance.Tests;

/// <summary>Keys of its own in the shared Redis.</summary>
public sealed class RedisBindingFixture : ComponentFixture, IBindingFixture
{
    private readonly string _key = $"binding:{Guid.NewGuid():N}";

    public override ManualTimeProvider? Clock => null;

    public IReadOnlyList<string> Required => ["redisHost"];

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddRedis();

    public async Task<IOutputBinding> BindingAsync(string? metadata)
    {
        var server = await Servers.RedisAsync();
        return await CreateAsync<IOutputBinding>("bindings.redis", "app", 0, metadata ?? $"redisHost={server.Host}:{server.Port};{Patient.Redis}");
    }

    public BindingRequest Valid() => new("create", "1"u8.ToArray(), new ComponentMetadata([new("key", _key)]));

    public (BindingRequest, string) Incomplete() => (new BindingRequest("create", "1"u8.ToArray(), ComponentMetadata.Empty), "key");
}

/// <summary>A database of its own in the shared PostgreSQL.</summary>
public sealed class PostgreSqlBindingFixture : ComponentFixture, IBindingFixture
{
    private readonly string _database = $"binding_{Guid.NewGuid():N}";
    private string? _metadata;

    public override ManualTimeProvider? Clock => null;

    public IReadOnlyList<string> Required => ["connectionString", "host"];

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddPostgreSql();

    public async Task<IOutputBinding> BindingAsync(string? metadata)
    {
        if (_metadata is null)
        {
            var server = await Servers.PostgresAsync();
            await server.CreateDatabaseAsync(_database);
            _metadata = $"host={server.Host};port={server.Port};user=postgres;password={server.Password};database={_database};{Patient.PostgreSql}";
        }

        return await CreateAsync<IOutputBinding>("bindings.postgresql", "app", 0, metadata ?? _metadata);
    }

    public BindingRequest Valid() => new("query", default, new ComponentMetadata([new("sql", "SELECT $1::int"), new("params", "[1]")]));

    public (BindingRequest, string) Incomplete() => (new BindingRequest("query", default, ComponentMetadata.Empty), "sql");
}

/// <summary>A virtual host of its own in the shared RabbitMQ.</summary>
public sealed class RabbitMqBindingFixture : ComponentFixture, IBindingFixture
{
    private readonly string _vhost = Guid.NewGuid().ToString("N");
    private string? _metadata;

    public override ManualTimeProvider? Clock => null;

    public IReadOnlyList<string> Required => ["queueName", "host"];

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddRabbitMq();

    public async Task<IOutputBinding> BindingAsync(string? metadata)
    {
        _metadata ??= $"queueName=queue;host={await (await Servers.RabbitMqAsync()).CreateVhostAsync(_vhost)};{Patient.RabbitMq}";
        return await CreateAsync<IOutputBinding>("bindings.rabbitmq", "app", 0, metadata ?? _metadata);
    }

    public BindingRequest Valid() => new("create", "1"u8.ToArray(), ComponentMetadata.Empty);

    /// <summary>A create needs nothing but its data; a time to live that is none is refused instead.</summary>
    public (BindingRequest, string) Incomplete() =>
        (new BindingRequest("create", "1"u8.ToArray(), new ComponentMetadata([new("ttlInSeconds", "soon")])), "ttlInSeconds");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_metadata is not null)
        {
            await (await Servers.RabbitMqAsync()).Management.DeleteAsync($"vhosts/{_vhost}");
        }

        GC.SuppressFinalize(this);
    }
}

public sealed class RabbitMqBindingTests : BindingConformance<RabbitMqBindingFixture>;

public sealed class RedisBindingTests : BindingConformance<RedisBindingFixture>;

public sealed class PostgreSqlBindingTests : BindingConformance<PostgreSqlBindingFixture>;
