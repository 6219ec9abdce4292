using System.Globalization;
using Npgsql;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>Carries the parameters of PostgreSQL's connection strings, and those that Dapr's client adds, over to Npgsql. An unknown one is an error, not ignored.</summary>
internal sealed class ConnectionParameters(NpgsqlConnectionStringBuilder builder)
{
    private static readonly string[] Known =
    [
        "host", "hostaddr", "port", "user", "password", "dbname", "database", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout",
        "application_name", "options", "search_path", "timezone", "pool_max_conns", "pool_min_conns", "pool_max_conn_idle_time", "pool_max_conn_lifetime",
        "default_query_exec_mode",
    ];

    /// <summary><c>pool_max_conns</c>, or null.</summary>
    public int? MaxConnections { get; private set; }

    /// <summary><c>default_query_exec_mode</c>, or null.</summary>
    public string? ExecMode { get; private set; }

    public void Set(string name, string value)
    {
        try
        {
            Apply(name.ToLowerInvariant(), value);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
        {
            throw new ComponentException($"connection parameter '{name}' has a value that it cannot have");
        }
    }

    /// <summary>What follows from several parameters together.</summary>
    public void Complete()
    {
        // As PostgreSQL's own clients: without a database the one of the user's name, and a root certificate is there to be checked against.
        builder.Username ??= "postgres";
        builder.Database ??= builder.Username;
        if (builder.RootCertificate is { Length: > 0 } file)
        {
            if (!File.Exists(file))
            {
                throw new ComponentException($"the root certificate '{file}' ('sslRootCert') does not exist");
            }

            builder.SslMode = builder.SslMode is SslMode.Require ? SslMode.VerifyCA : builder.SslMode;
        }
    }

    private void Apply(string name, string value)
    {
        switch (name)
        {
            case "host" or "hostaddr":
                builder.Host = value.Contains(',', StringComparison.Ordinal) ? throw new ComponentException($"'{name}' names several servers; give the address that leads to the primary") : value;
                break;
            case "port":
                builder.Port = Number(value);
                break;
            case "user":
                builder.Username = value;
                break;
            case "password":
                builder.Password = value;
                break;
            case "dbname" or "database":
                builder.Database = value;
                break;
            case "sslmode":
                builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
                break;
            case "sslrootcert":
                builder.RootCertificate = value;
                break;
            case "sslcert":
                builder.SslCertificate = value;
                break;
            case "sslkey":
                builder.SslKey = value;
                break;
            case "sslpassword":
                builder.SslPassword = value;
                break;
            case "connect_timeout":
                builder.Timeout = Number(value);
                break;
            case "application_name":
                builder.ApplicationName = value;
                break;
            case "options":
                builder.Options = value;
                break;
            case "search_path":
                builder.SearchPath = value;
                break;
            case "timezone":
                builder.Timezone = value;
                break;
            default:
                ApplyPool(name, value);
                break;
        }
    }

    private void ApplyPool(string name, string value)
    {
        switch (name)
        {
            case "pool_max_conns":
                MaxConnections = Number(value);
                break;
            case "pool_min_conns":
                builder.MinPoolSize = Number(value);
                break;
            case "pool_max_conn_idle_time":
                builder.ConnectionIdleLifetime = Seconds(value);
                break;
            case "pool_max_conn_lifetime":
                builder.ConnectionLifetime = Seconds(value);
                break;
            case "default_query_exec_mode":
                ExecMode = value;
                break;
            default:
                throw new ComponentException($"connection parameter '{name}' is not supported{Nearest.Hint(name, Known)}");
        }
    }

    private static int Number(string value) => int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);

    private static int Seconds(string value) => GoDuration.TryParse(value, out var time) ? (int)Math.Ceiling(time.TotalSeconds) : throw new FormatException();
}
