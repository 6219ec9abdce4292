using LocalServers;

namespace Launcher.Servers;

/// <summary>How component files say that they need a server, and how its address and password get there.</summary>
/// <param name="Name">Of the private server.</param>
/// <param name="Mark">The text in a component file.</param>
/// <param name="Variable">With it the caller names a server of his own; the private one is then left alone.</param>
internal sealed record ServerKind(string Name, string Mark, string Variable)
{
    /// <summary>Where Redis is without further words; a private one on another port takes its place in the files.</summary>
    public const string RedisAddress = "localhost:6379";

    public static readonly IReadOnlyList<ServerKind> All =
    [
        new("redis", RedisAddress, "REDIS_HOST"),
        new("rabbitmq", "envRef: RABBITMQ_CONNECTION_STRING", "RABBITMQ_CONNECTION_STRING"),
        new("postgresql", "envRef: POSTGRES_CONNECTION_STRING", "POSTGRES_CONNECTION_STRING"),
    ];

    /// <summary>What the sidecar's environment must say to reach this server.</summary>
    public static IReadOnlyDictionary<string, string?> Variables(LocalServer server) => server switch
    {
        RedisServer redis => new Dictionary<string, string?> { ["REDIS_HOST"] = redis.Address, ["REDIS_PASSWORD"] = redis.Password },
        RabbitMqServer rabbit => new Dictionary<string, string?> { ["RABBITMQ_CONNECTION_STRING"] = rabbit.AmqpUri() },
        PostgresServer postgres => new Dictionary<string, string?> { ["POSTGRES_CONNECTION_STRING"] = postgres.ConnectionString() },
        _ => throw new ArgumentOutOfRangeException(nameof(server)),
    };
}
