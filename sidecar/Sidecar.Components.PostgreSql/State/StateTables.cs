using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.State;

/// <summary>Names of the tables and the statements on them (dapr/config §9, v2). The time is that of the server, so that all sidecars agree on it.</summary>
internal sealed class StateTables
{
    public StateTables(ComponentMetadata metadata)
    {
        var prefix = SqlName.Prefix("tablePrefix", metadata["tablePrefix"] ?? "");
        State = prefix + "state";
        Metadata = SqlName.Table("metadataTableName", metadata["metadataTableName"] is { Length: > 0 } name ? name : "dapr_metadata");
        MigrationKey = "migrations-state-v2-" + prefix;
        CleanupKey = "last-cleanup-state-v2-" + prefix;

        const string Live = "(expires_at IS NULL OR expires_at > now())";
        Get = $"SELECT value, etag, expires_at FROM {State} WHERE key = $1 AND {Live}";
        GetMany = $"SELECT value, etag, expires_at, key FROM {State} WHERE key = ANY($1) AND {Live}";
        Upsert = $"""
            INSERT INTO {State} AS t (key, value, etag, expires_at) VALUES ($1, $2, gen_random_uuid(), now() + $3)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, etag = excluded.etag, updated_at = now(), expires_at = excluded.expires_at
            """;
        Create = $"{Upsert} WHERE t.expires_at IS NOT NULL AND t.expires_at <= now()";
        Update = $"UPDATE {State} SET value = $2, etag = gen_random_uuid(), updated_at = now(), expires_at = now() + $3 WHERE key = $1 AND etag = $4 AND {Live}";
        Delete = $"DELETE FROM {State} WHERE key = $1";
        DeleteMatching = $"DELETE FROM {State} WHERE key = $1 AND etag = $2 AND {Live}";
        List = $"""SELECT key FROM {State} WHERE key LIKE $1 AND key COLLATE "C" > $2 AND {Live} ORDER BY key COLLATE "C" LIMIT $3""";
    }

    /// <summary><c>tablePrefix</c> + <c>state</c>.</summary>
    public string State { get; }

    /// <summary><c>metadataTableName</c>.</summary>
    public string Metadata { get; }

    /// <summary>Row of the metadata table with the version of the schema.</summary>
    public string MigrationKey { get; }

    /// <summary>Row of the metadata table with the time of the last clean-up.</summary>
    public string CleanupKey { get; }

    /// <summary>$1 key.</summary>
    public string Get { get; }

    /// <summary>$1 keys.</summary>
    public string GetMany { get; }

    /// <summary>$1 key, $2 value, $3 time to live: whatever is there.</summary>
    public string Upsert { get; }

    /// <summary>As <see cref="Upsert"/>, of no row when there is a live one.</summary>
    public string Create { get; }

    /// <summary>As <see cref="Upsert"/> with $4 etag; of no row when there is no live one with it.</summary>
    public string Update { get; }

    /// <summary>$1 key.</summary>
    public string Delete { get; }

    /// <summary>$1 key, $2 etag.</summary>
    public string DeleteMatching { get; }

    /// <summary>$1 pattern, $2 key after which it begins, $3 number of keys; in the order of their bytes.</summary>
    public string List { get; }
}
