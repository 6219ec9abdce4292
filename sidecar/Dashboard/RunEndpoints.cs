using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;

namespace Dashboard;

/// <summary><c>GET /api/run</c>: every process of the run with what its sidecar says of components, subscriptions and actors.</summary>
internal static class RunEndpoints
{
    public static void MapRun(this WebApplication app) => app.MapGet("/api/run", async (RunFolder folder, Sidecars sidecars, CancellationToken cancellationToken) =>
    {
        var instances = folder.Instances().ToDictionary(instance => (instance.AppId, instance.Index));
        var processes = await Task.WhenAll(folder.Processes().Select(process => ViewAsync(process, instances, sidecars, cancellationToken)));
        return TypedResults.Ok(new RunView(folder.Root, processes));
    });

    private static async Task<ProcessView> ViewAsync(
        RunProcess process, Dictionary<(string, int), SidecarInstance> instances, Sidecars sidecars, CancellationToken cancellationToken)
    {
        if (process.AppId is not { } appId || !instances.TryGetValue((appId, process.Index ?? 0), out var instance))
        {
            return new ProcessView(process.Name, null, process.Pid, null, null, null, process.Pid is null ? "down" : "ready", null);
        }

        var metadata = sidecars.MetadataAsync(instance, cancellationToken);
        var isReady = await sidecars.IsReadyAsync(instance, cancellationToken);
        var status = process.Pid is null ? "down" : isReady ? "ready" : "not ready";
        return new ProcessView(process.Name, appId, process.Pid, instance.AppPort, instance.HttpPort, instance.GrpcPort, status, await metadata);
    }

    /// <summary>The run.</summary>
    /// <param name="Data">Data directory.</param>
    /// <param name="Processes">Empty when nothing runs.</param>
    private sealed record RunView(string Data, IReadOnlyList<ProcessView> Processes);

    /// <summary>A process.</summary>
    /// <param name="Name"><c>sidecar</c> or <c>app-id#index</c>.</param>
    /// <param name="AppId">Null for the sidecar.</param>
    /// <param name="Pid">Null while it is not there.</param>
    /// <param name="AppPort">Null for an app without a server.</param>
    /// <param name="HttpPort">Of its sidecar.</param>
    /// <param name="GrpcPort">Of its sidecar.</param>
    /// <param name="Status"><c>ready</c>, <c>not ready</c> or <c>down</c>.</param>
    /// <param name="Metadata">The answer of its sidecar's metadata API; null when it does not answer.</param>
    private sealed record ProcessView(
        string Name, string? AppId, int? Pid, int? AppPort, int? HttpPort, int? GrpcPort, string Status, JsonElement? Metadata);
}
