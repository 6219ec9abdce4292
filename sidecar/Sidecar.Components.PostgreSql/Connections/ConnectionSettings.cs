using System.Globalization;
using Npgsql;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// The metadata that all PostgreSQL components share (dapr/config §9): where the server is and as whom, how many connections, how long to wait.
/// Separate fields (<c>host</c>, <c>user</c>, …) win over the same ones in <c>connectionString</c>.
/// </summary>
internal sealed record ConnectionSettings
{
    /// <summary>Where the server itself says nothing of it: less than a component's usual <c>initTimeout</c> of 5 s, so that what was tried can be told.</summary>
    private static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(4);

    private static readonly string[] Fields = ["host", "hostaddr", "port", "database", "user", "password", "sslRootCert"];
    private static readonly string[] CloudLogins = ["useAzureAD", "useAWSIAM", "enableAzureAD", "enableAWSIAM"];

    /// <summary>What Npgsql is given; holds the password.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>Server, database and user for messages.</summary>
    public required string Where { get; init; }

    /// <summary>Metadata <c>timeout</c>, 20 s: an operation has ended by then, also the waiting for a connection.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Metadata <c>maxConns</c>, 0 = the number of processors, 4 at least: connections of all components of the process with these settings.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>User of the server.</summary>
    public required string User { get; init; }

    /// <summary>Database of the server.</summary>
    public required string Database { get; init; }

    public static ConnectionSettings Read(ComponentMetadata metadata)
    {
        if (CloudLogins.FirstOrDefault(name => metadata.Bool(name, false)) is { } login)
        {
            throw new ComponentException($"metadata '{login}' is not supported by the embedded sidecar: give a user and a password");
        }

        var text = metadata["connectionString"] ?? "";
        var dotNet = ConnectionText.IsDotNet(text);
        var builder = dotNet ? ReadDotNet(text) : new NpgsqlConnectionStringBuilder();
        builder.Timeout = dotNet && builder.ContainsKey("Timeout") ? builder.Timeout : (int)DefaultConnectTimeout.TotalSeconds;
        var parameters = new ConnectionParameters(builder);
        foreach (var (name, value) in dotNet ? [] : ConnectionText.Parse(text))
        {
            parameters.Set(name, value);
        }

        foreach (var field in Fields)
        {
            if (metadata[field] is { Length: > 0 } value)
            {
                parameters.Set(field, value);
            }
        }

        if (builder.Host is not { Length: > 0 })
        {
            throw new ComponentException("metadata 'connectionString' or 'host' is required");
        }

        parameters.Complete();
        var maxConnections = metadata.Int("maxConns", 0) is > 0 and var given ? given : parameters.MaxConnections ?? Math.Max(4, Environment.ProcessorCount);
        builder.MaxPoolSize = maxConnections;
        builder.MinPoolSize = Math.Min(builder.MinPoolSize, maxConnections);
        if ((metadata["connectionMaxIdleTime"] ?? metadata["connMaxIdleTime"]) is { Length: > 0 })
        {
            var idle = metadata.Duration("connectionMaxIdleTime", metadata.Duration("connMaxIdleTime", TimeSpan.Zero));
            builder.ConnectionIdleLifetime = (int)Math.Ceiling(idle.TotalSeconds);
            builder.ConnectionPruningInterval = Math.Clamp(builder.ConnectionIdleLifetime / 2, 1, 10);
        }

        SetExecution(builder, metadata["queryExecMode"] ?? parameters.ExecMode);
        // One clock for an operation, that of 'timeout'.
        builder.CommandTimeout = 0;
        builder.Timezone ??= "UTC";
        builder.TcpKeepAlive = true;
        builder.ApplicationName ??= "dapr";
        return new ConnectionSettings
        {
            ConnectionString = builder.ConnectionString,
            Timeout = metadata.Duration("timeout", TimeSpan.FromSeconds(20)) is { Ticks: > 0 } timeout ? timeout : throw new ComponentException("metadata 'timeout' must be more than 0"),
            MaxConnections = maxConnections,
            User = builder.Username!,
            Database = builder.Database!,
            Where = string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {builder.Host}:{builder.Port}, database '{builder.Database}', user '{builder.Username}'"),
        };
    }

    /// <summary>
    /// Dapr's modes of its client. <c>cache_statement</c> prepares what comes again; the others prepare nothing that outlives a statement, and
    /// <c>simple_protocol</c> leaves no state in a session either: what a pooler in transaction mode needs.
    /// </summary>
    private static void SetExecution(NpgsqlConnectionStringBuilder builder, string? mode)
    {
        switch (mode)
        {
            case null or "" or "cache_statement":
                builder.MaxAutoPrepare = 32;
                builder.AutoPrepareMinUsages = 2;
                break;
            case "cache_describe" or "describe_exec" or "exec":
                builder.MaxAutoPrepare = 0;
                break;
            case "simple_protocol":
                builder.MaxAutoPrepare = 0;
                builder.NoResetOnClose = true;
                break;
            default:
                throw new ComponentException($"metadata 'queryExecMode' is '{mode}'; it can be cache_statement, cache_describe, describe_exec, exec or simple_protocol");
        }
    }

    private static NpgsqlConnectionStringBuilder ReadDotNet(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            // The message of the library may quote a value, and that may be the password.
            throw new ComponentException("metadata 'connectionString' is not of the form Host=…;Port=…;Username=…;Password=…;Database=…, or it has a name that Npgsql does not know");
        }
    }
}
