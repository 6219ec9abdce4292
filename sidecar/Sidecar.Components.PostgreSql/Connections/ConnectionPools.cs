namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>The pools of a process: one per distinct settings, since twenty apps with a pool each would use up what a server has. Kept while a component uses it.</summary>
internal sealed class ConnectionPools
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (ConnectionPool Pool, int Users)> _pools = new(StringComparer.Ordinal);

    /// <summary>The pool for these settings; give it back with <see cref="ReleaseAsync"/>.</summary>
    public ConnectionPool Acquire(ConnectionSettings settings)
    {
        lock (_gate)
        {
            var (pool, users) = _pools.GetValueOrDefault(settings.ConnectionString);
            pool ??= new ConnectionPool(settings);
            _pools[settings.ConnectionString] = (pool, users + 1);
            return pool;
        }
    }

    public ValueTask ReleaseAsync(ConnectionPool pool)
    {
        var key = pool.Settings.ConnectionString;
        lock (_gate)
        {
            var users = _pools[key].Users - 1;
            _pools[key] = (pool, users);
            if (users > 0)
            {
                return ValueTask.CompletedTask;
            }

            _pools.Remove(key);
        }

        return pool.DisposeAsync();
    }
}
