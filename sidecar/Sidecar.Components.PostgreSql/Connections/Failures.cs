using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>
/// Says of a failure where it was, what it means and what to do. A server that is not there, or not ready, is an <see cref="IOException"/> around a
/// <see cref="SocketException"/>: a component that cannot start because of it is started again until its <c>initTimeout</c>.
/// </summary>
internal static class Failures
{
    /// <summary>The connection is gone, whether by a message of the server or without one.</summary>
    public static bool IsBrokenConnection(NpgsqlException exception) => exception is PostgresException server
        ? server.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        : exception.InnerException is IOException or SocketException;

    public static Exception Explain(Exception exception, ConnectionSettings settings)
    {
        return exception switch
        {
            PostgresException server => Explain(server, settings),
            { InnerException: SocketException socket } => Absent(
                socket.SocketErrorCode, $"cannot be reached ({socket.Message}); is the server up, and are host and port right?"),
            { InnerException: TimeoutException } or TimeoutException => Absent(
                SocketError.TimedOut, "accepts connections and does not answer ('connect_timeout'); is it PostgreSQL that listens there, and is it frozen or overloaded?"),
            { InnerException: AuthenticationException tls } => Failed($"TLS failed: {tls.Message} Look at sslmode and 'sslRootCert'"),
            { InnerException: IOException } => Failed($"the connection broke: {exception.InnerException!.Message} Is it PostgreSQL that listens there?"),
            { InnerException: null } when exception.Message.Contains("unknown response", StringComparison.Ordinal) => Failed($"{exception.Message} Is it PostgreSQL that listens there?"),
            _ => Failed(exception.Message),
        };

        IOException Failed(string problem) => new($"{settings.Where}: {problem}", exception);

        IOException Absent(SocketError error, string problem) => new($"{settings.Where}: {problem}", new SocketException((int)error));
    }

    /// <summary>The time of an operation was over.</summary>
    public static IOException TimedOut(Operation operation, ConnectionSettings settings)
    {
        var time = FormattableString.Invariant($"within {settings.Timeout.TotalSeconds:0.###} s ('timeout')");
        return operation.Refusal is { } refusal ? Explain(refusal, settings) : new IOException(
            operation is { HasTurn: false, Generation: not null }
                ? $"{settings.Where}: none of the {settings.MaxConnections} connections was free {time}; raise 'maxConns', which counts for all apps of this process"
                : $"{settings.Where}: no answer {time}; what was sent may still happen",
            new SocketException((int)SocketError.TimedOut));
    }

    private static IOException Explain(PostgresException server, ConnectionSettings settings)
    {
        return server.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => Because(
                $"the server refuses this user; check 'user' and 'password' (or those of 'connectionString') and the server's pg_hba.conf"),
            PostgresErrorCodes.InvalidCatalogName => Because(
                $"create the database (CREATE DATABASE {settings.Database}) or name the right one in 'database' or 'connectionString'"),
            PostgresErrorCodes.InsufficientPrivilege => Because(
                $"grant user '{settings.User}' what it needs, or let an administrator create the tables: docs/postgresql.md has the statements"),
            PostgresErrorCodes.InvalidSchemaName => Because($"create the schema, or take its name out of the table names"),
            PostgresErrorCodes.TooManyConnections => Absence(
                "the server has no connection left; raise its max_connections or lower 'maxConns' of those that use it"),
            PostgresErrorCodes.CannotConnectNow => Absence("it starts or stops; wait"),
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown => Because("the server closed the connection; what was sent may or may not have happened"),
            PostgresErrorCodes.ReadOnlySqlTransaction => Because("this is a standby; give the address of the primary"),
            _ => Because(null),
        };

        IOException Because(string? advice) => new(Text(advice), server);

        IOException Absence(string advice) => new(Text(advice), new SocketException((int)SocketError.TryAgain));

        string Text(string? advice) => $"{settings.Where}: {server.MessageText} ({server.SqlState}){(advice is null ? "" : ": " + advice)}";
    }
}
