using System.Net.Http.Json;
using Contracts.Models;
using ServiceDefaults;

namespace Scan.Jobs;

/// <summary>Calls scan-worker by service invocation.</summary>
internal sealed class ScanWorkerClient(HttpClient http)
{
    /// <summary>A person waits while a workflow is stopped, and nothing depends on it.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Stops the job's workflow; throws <see cref="HttpRequestException"/> or <see cref="TimeoutException"/>.</summary>
    public async Task CancelAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CancelTimeout);
        try
        {
            using var response = await http.PostAsync($"/internal/scans/{jobId}/cancel", content: null, limit.Token);
            response.EnsureSuccessStatusCode();
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {CancelTimeout}", exception);
        }
    }

    /// <summary>Erases the job's results and its workflow with its history; throws <see cref="HttpRequestException"/> when something may be left.</summary>
    public async Task EraseAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var response = await http.DeleteAsync($"/internal/scans/{jobId}", cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Models that a request may name, the default first.</summary>
    public async Task<IReadOnlyList<ModelEntry>> ModelsAsync(CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync<ModelEntry[]>("/internal/models", TandemJson.Options, cancellationToken) ?? [];
}
