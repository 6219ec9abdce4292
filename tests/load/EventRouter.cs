using System.Text.Json;

namespace Load;

/// <summary>Where a replica of event-router, or of another app, listens, and the token it answers to.</summary>
public sealed record EventRouter(Uri Address, string Token)
{
    /// <summary>
    /// The replicas of the run, from the launcher's own file for the sidecar, which the user who started the run may read. Empty
    /// when it is not there.
    /// </summary>
    public static async Task<IReadOnlyList<EventRouter>> FindAsync(
        DirectoryInfo data, CancellationToken cancellationToken, string app = "event-router")
    {
        var file = new FileInfo(Path.Combine(data.FullName, "run", "sidecar.json"));
        if (!file.Exists)
        {
            return [];
        }

        await using var stream = file.OpenRead();
        using var run = await JsonDocument.ParseAsync(stream, cancellationToken: cancellationToken);
        return
        [
            .. from instance in run.RootElement.GetProperty("instances").EnumerateArray()
               where instance.GetProperty("app_id").GetString() == app
               select new EventRouter(
                   new Uri($"http://127.0.0.1:{instance.GetProperty("app_port").GetInt32()}"), instance.GetProperty("app_token").GetString()!),
        ];
    }
}
