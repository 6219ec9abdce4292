using System.Text;
using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>Lists keys with SCAN, which unlike KEYS never holds the server up.</summary>
internal static class RedisKeys
{
    /// <summary>Keys that the server looks at in one step.</summary>
    private const int Step = 1000;

    /// <summary>All keys that begin with the prefix, each once. A key that is there all the time is in it; others may be.</summary>
    public static async Task<HashSet<string>> ScanAsync(RedisClient client, string prefix, CancellationToken cancellationToken)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var pattern = Escape(prefix) + "*";
        var cursor = "0";
        do
        {
            var reply = await client.ExecuteAsync(RedisCommand.Of("SCAN", cursor, "MATCH", pattern, "COUNT", Step), cancellationToken);
            foreach (var key in reply.Items[1].Items)
            {
                keys.Add(key.AsString()!);
            }

            cursor = reply.Items[0].AsString()!;
        }
        while (cursor != "0");

        return keys;
    }

    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 1);
        foreach (var character in text)
        {
            if (character is '*' or '?' or '[' or ']' or '\\')
            {
                escaped.Append('\\');
            }

            escaped.Append(character);
        }

        return escaped.ToString();
    }
}
