using System.Net.Http.Json;
using ServiceDefaults;

namespace Scan.Jobs;

/// <summary>Calls scan-worker by service invocation.</summary>
internal sealed class ScanWorkerClient(HttpClient http)
{
    /// <summary>Stops the job's workflow.</summary>
    public async Task CancelAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsync($"/internal/scans/{jobId}/cancel", content: null, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Models that a request may name, the default first.</summary>
    public async Task<IReadOnlyList<string>> ModelsAsync(CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync<string[]>("/internal/models", TandemJson.Options, cancellationToken) ?? [];
}
