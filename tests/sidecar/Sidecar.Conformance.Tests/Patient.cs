using LocalServers;
using Sidecar.Redis;

namespace Sidecar.Conformance.Tests;

/// <summary>Limits as metadata, longer than a loaded machine takes.</summary>
internal static class Patient
{
    public const string Redis = "dialTimeout=60s;readTimeout=30s";

    public const string RabbitMq = "connectTimeout=60s";

    public const string PostgreSql = "connectionString=connect_timeout=60";

    public static RedisOptions Options(RedisServer server, int database) => new()
    {
        Host = server.Host,
        Port = server.Port,
        Database = database,
        ConnectTimeout = TimeSpan.FromSeconds(60),
        CommandTimeout = TimeSpan.FromSeconds(30),
    };
}
