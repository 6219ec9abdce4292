using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Configuration;
using Sidecar.Components.PostgreSql.Connections;
using Sidecar.Components.PostgreSql.State;

namespace Sidecar.Components.PostgreSql;

/// <summary>Adds the component types that keep their data in PostgreSQL.</summary>
public static class PostgreSqlComponents
{
    /// <summary>
    /// Adds <c>state.postgresql</c> (alias <c>state.postgres</c>), <c>configuration.postgresql</c> (<c>configuration.postgres</c>) and
    /// <c>bindings.postgresql</c> (<c>bindings.postgres</c>). Instances made from one registry with equal settings share their connections.
    /// </summary>
    public static ComponentRegistry AddPostgreSql(this ComponentRegistry registry)
    {
        // One for distinct settings, since twenty apps with a pool each would use up what a server has.
        var pools = new Shared<string, ConnectionPool>();
        foreach (var system in new[] { "postgresql", "postgres" })
        {
            registry
                .Add($"state.{system}", context => new PostgreSqlStateStore(context, pools))
                .Add($"configuration.{system}", context => new PostgreSqlConfigurationStore(context, pools))
                .Add($"bindings.{system}", context => new PostgreSqlBinding(context, pools));
        }

        return registry;
    }
}
