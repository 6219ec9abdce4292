using System.Globalization;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>
/// The metadata that all Redis components share (dapr/config §8, §9, §12). Of Dapr's names those of a connection pool (<c>poolSize</c>,
/// <c>poolTimeout</c>, <c>minIdleConns</c>, <c>idleTimeout</c>, <c>idleCheckFrequency</c>, <c>maxConnAge</c>) mean nothing to one pipelined
/// connection, and nothing is sent twice by itself, whatever <c>redisMaxRetries</c> says.
/// </summary>
internal static class RedisMetadata
{
    private const int DefaultPort = 6379;

    /// <summary>How to connect; throws <see cref="ComponentException"/> for what is wrong or not supported here.</summary>
    public static RedisOptions Read(ComponentContext context)
    {
        var metadata = context.Metadata;
        RefuseUnsupported(metadata);
        var (host, port) = Address(metadata);
        var defaults = new RedisOptions { Host = host };
        return defaults with
        {
            Port = port,
            Username = NotEmpty(metadata["redisUsername"]),
            Password = NotEmpty(metadata["redisPassword"]),
            Database = metadata.Int("redisDB", 0) is >= 0 and var database ? database : throw new ComponentException($"metadata 'redisDB' must not be negative: {metadata["redisDB"]}"),
            Tls = metadata.Bool("enableTLS", false),
            InsecureSkipVerify = metadata.Bool("insecureSkipTLSVerify", false),
            ClientCertificate = NotEmpty(metadata["clientCert"]),
            ClientKey = NotEmpty(metadata["clientKey"]),
            ConnectTimeout = Limit(metadata, "dialTimeout", defaults.ConnectTimeout),
            CommandTimeout = Limit(metadata, "readTimeout", defaults.CommandTimeout),
            MinReconnectDelay = Pause(metadata, "redisMinRetryInterval", defaults.MinReconnectDelay),
            MaxReconnectDelay = Pause(metadata, "redisMaxRetryInterval", defaults.MaxReconnectDelay),
        };
    }

    private static void RefuseUnsupported(ComponentMetadata metadata)
    {
        if (metadata["redisType"] is { Length: > 0 } type && !type.Equals("node", StringComparison.OrdinalIgnoreCase))
        {
            throw new ComponentException($"metadata 'redisType': the embedded sidecar speaks to one Redis node, not to a {type}; name a node in 'redisHost' and leave 'redisType' out");
        }

        if (metadata["sentinelMasterName"] is { Length: > 0 })
        {
            throw new ComponentException("metadata 'sentinelMasterName' is not supported by the embedded sidecar; name the master itself in 'redisHost'");
        }

        foreach (var (name, instead) in new[]
        {
            ("failover", "name the master itself in 'redisHost'"),
            ("useEntraID", "use 'redisUsername' and 'redisPassword'"),
            ("useOIDC", "use 'redisUsername' and 'redisPassword'"),
        })
        {
            if (metadata.Bool(name, false))
            {
                throw new ComponentException($"metadata '{name}' is not supported by the embedded sidecar; {instead}");
            }
        }
    }

    private static (string Host, int Port) Address(ComponentMetadata metadata)
    {
        var text = metadata.Required("redisHost").Trim();
        if (text.Contains(',', StringComparison.Ordinal))
        {
            throw new ComponentException($"metadata 'redisHost' names several servers ('{text}'); the embedded sidecar speaks to one Redis node");
        }

        // host, host:port, [v6], [v6]:port
        var colon = text.LastIndexOf(':');
        var hasPort = colon > text.LastIndexOf(']') && text.IndexOf(':') is var first && (first == colon || text[0] == '[');
        var host = (hasPort ? text[..colon] : text).Trim('[', ']');
        var portText = hasPort ? text[(colon + 1)..] : NotEmpty(metadata["redisPort"]);
        if (host.Length == 0)
        {
            throw new ComponentException($"metadata 'redisHost' has no host: '{text}'");
        }

        return (host, portText is null ? DefaultPort
            : int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port
            : throw new ComponentException($"metadata '{(hasPort ? "redisHost" : "redisPort")}': '{portText}' is not a port"));
    }

    /// <summary>A limit; a negative one is none.</summary>
    private static TimeSpan Limit(ComponentMetadata metadata, string name, TimeSpan defaultValue) =>
        metadata.Duration(name, defaultValue) is var value && value < TimeSpan.Zero ? Timeout.InfiniteTimeSpan
            : value > TimeSpan.Zero ? value
            : throw new ComponentException($"metadata '{name}' must not be 0");

    /// <summary>A pause; a negative one is none.</summary>
    private static TimeSpan Pause(ComponentMetadata metadata, string name, TimeSpan defaultValue) =>
        metadata.Duration(name, defaultValue) is var value && value > TimeSpan.Zero ? value : TimeSpan.Zero;

    private static string? NotEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
