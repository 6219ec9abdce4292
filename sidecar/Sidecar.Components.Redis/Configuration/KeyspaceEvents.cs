using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Configuration;

/// <summary>
/// The server's setting <c>notify-keyspace-events</c>. It is empty by default, and what CONFIG SET gave it is gone after a restart of the
/// server, so it is looked at with every subscription and after every gap.
/// </summary>
internal static class KeyspaceEvents
{
    private const string Setting = "notify-keyspace-events";

    /// <summary>Channels by key; strings written, keys removed, expired and evicted.</summary>
    private const string Needed = "K$gxe";

    /// <summary>Adds what is missing. The result is null, or why nothing could be known about the setting. Throws when it is known to be off.</summary>
    public static async Task<string?> EnableAsync(RedisClient client, string server, CancellationToken cancellationToken)
    {
        string flags;
        try
        {
            var reply = await client.ExecuteAsync(RedisCommand.Of("CONFIG", "GET", Setting), cancellationToken);
            flags = reply.Items.Count > 1 ? reply[1].AsString()! : "";
        }
        catch (RedisServerException exception)
        {
            // Managed servers have no CONFIG.
            return $"{server} does not tell its setting {Setting} ({exception.Message}): unless it holds at least \"{Needed}\", changes are not noticed";
        }

        var missing = string.Concat(Needed.Where(flag => !flags.Contains(flag) && (flag == 'K' || !flags.Contains('A'))));
        if (missing.Length == 0)
        {
            return null;
        }

        try
        {
            await client.ExecuteAsync(RedisCommand.Of("CONFIG", "SET", Setting, flags + missing), cancellationToken);
            return null;
        }
        catch (RedisServerException exception)
        {
            throw new ComponentException(
                $"{server} announces no changes: its setting {Setting} is \"{flags}\" and may not be changed from here ({exception.Message}); set it to \"KA\" at the server",
                exception);
        }
    }
}
