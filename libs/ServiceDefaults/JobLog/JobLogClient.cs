using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.JobLog;

/// <summary>The job has its terminal event, or was erased; nothing can be appended any more (409 JOB_CLOSED, 404 JOB_NOT_FOUND).</summary>
public sealed class JobClosedException(Guid jobId) : Exception($"job {jobId} is closed");

/// <summary>event-router refused to create the job; the API app passes status and code on to its caller.</summary>
public sealed class JobRefusedException(int status, string code, string detail, TimeSpan? retryAfter) : Exception(detail)
{
    /// <summary>422, 429 or 503.</summary>
    public int Status { get; } = status;

    /// <summary>Stable code.</summary>
    public string Code { get; } = code;

    /// <summary>From the Retry-After header.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>
/// Appends to and reads job logs through event-router, by service invocation. An append is idempotent by its events' keys, so
/// <see cref="SidecarRetryHandler"/> repeats it when event-router or a sidecar is away; after its retry time the last error is
/// thrown and the caller's own retry takes over.
/// </summary>
public sealed class JobLogClient(HttpClient http)
{
    /// <summary>
    /// Appends; the events are stored when it returns. Throws <see cref="JobClosedException"/>, <see cref="JobRefusedException"/>,
    /// or <see cref="HttpRequestException"/> after the retry time.
    /// </summary>
    public async Task<AppendedJobEvents> AppendAsync(Guid jobId, AppendJobEvents command, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"/jobs/{jobId}/events") { Content = JsonContent.Create(command, options: TandemJson.Options) },
            cancellationToken);
        if (response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            throw new JobClosedException(jobId);
        }

        if (!response.IsSuccessStatusCode)
        {
            throw await RefusalAsync(response, cancellationToken);
        }

        return (await response.Content.ReadFromJsonAsync<AppendedJobEvents>(TandemJson.Options, cancellationToken))!;
    }

    /// <summary>The job with its entries after a sequence number, or null when there is no such job.</summary>
    public async Task<JobView?> GetAsync(Guid jobId, long after, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/jobs/{jobId}?after={after}"), cancellationToken);
        return await response.ReadFoundAsync<JobView>(cancellationToken);
    }

    /// <summary>Erases the job and its log; one that does not exist is no error.</summary>
    public async Task EraseAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"/jobs/{jobId}"), cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Where jobs stand, at most 100, without their events. A job that does not exist is left out.</summary>
    public async Task<IReadOnlyDictionary<Guid, JobState>> GetStatesAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken)
    {
        if (jobIds.Count == 0)
        {
            return new Dictionary<Guid, JobState>();
        }

        using var response = await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/jobs/states") { Content = JsonContent.Create(new GetJobStates(jobIds), options: TandemJson.Options) },
            cancellationToken);
        response.EnsureSuccessStatusCode();
        var states = await response.Content.ReadFromJsonAsync<JobStates>(TandemJson.Options, cancellationToken);
        return states!.Jobs.ToDictionary(job => job.JobId);
    }

    /// <summary>How many jobs of an app have not ended.</summary>
    public async Task<OpenJobsOfApp> GetOpenAsync(string app, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/jobs/open?app={Uri.EscapeDataString(app)}"), cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<OpenJobsOfApp>(TandemJson.Options, cancellationToken))!;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            request.Options.Set(SidecarRetryHandler.RepeatOn, IsAwayAsync);
            try
            {
                return await http.SendAsync(request, cancellationToken);
            }
            catch (TaskCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw new HttpRequestException("event-router did not answer in time", exception);
            }
        }
    }

    /// <summary>5xx answers, except 503 SYSTEM_BUSY, which is event-router's own word.</summary>
    private static async Task<bool> IsAwayAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        (int)response.StatusCode >= 500
        && (response.StatusCode != HttpStatusCode.ServiceUnavailable || (await ProblemAsync(response, cancellationToken)).Code != "SYSTEM_BUSY");

    private static async Task<Exception> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (code, detail) = await ProblemAsync(response, cancellationToken);
        return code is null || response.StatusCode == HttpStatusCode.InternalServerError
            ? new HttpRequestException($"event-router answered {(int)response.StatusCode}", null, response.StatusCode)
            : new JobRefusedException((int)response.StatusCode, code, detail ?? "refused", response.Headers.RetryAfter?.Delta);
    }

    private static async Task<(string? Code, string? Detail)> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            // Not as a stream, which could be read only once.
            var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            return (Text(problem, "code"), Text(problem, "detail"));
        }
        catch (JsonException)
        {
            return (null, null);
        }
    }

    private static string? Text(JsonElement problem, string name) =>
        problem.ValueKind == JsonValueKind.Object && problem.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}

/// <summary>Registration.</summary>
public static class JobLogClientServices
{
    /// <summary>Adds <see cref="JobLogClient"/>.</summary>
    public static IServiceCollection AddJobLogClient(this IServiceCollection services) => services.AddDaprInvokeClient<JobLogClient>(Apps.EventRouter);
}
