using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.JobLog;

/// <summary>The job has its terminal event; nothing can be appended any more (409 JOB_CLOSED).</summary>
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
/// it is repeated for <see cref="RetryTime"/> when event-router or a sidecar is away; then the last error is thrown and the
/// caller's own retry takes over.
/// </summary>
public sealed class JobLogClient(HttpClient http, TimeProvider time)
{
    /// <summary>How long a call is repeated.</summary>
    public static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Appends; the events are stored when it returns. Throws <see cref="JobClosedException"/>, <see cref="JobRefusedException"/>,
    /// or <see cref="HttpRequestException"/> after the retry time.
    /// </summary>
    public async Task<AppendedJobEvents> AppendAsync(Guid jobId, AppendJobEvents command, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, $"/jobs/{jobId}/events") { Content = JsonContent.Create(command, options: TandemJson.Options) },
            cancellationToken);
        if (response.StatusCode == HttpStatusCode.Conflict)
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
        using var response = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, $"/jobs/{jobId}?after={after}"), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JobView>(TandemJson.Options, cancellationToken);
    }

    /// <summary>Repeats on connection failures and on 5xx answers other than 503 SYSTEM_BUSY, which is event-router's own word.</summary>
    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var delay = FirstDelay; ; delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, MaxDelay.Ticks)))
        {
            HttpResponseMessage? response = null;
            try
            {
                using var message = request();
                response = await http.SendAsync(message, cancellationToken);
                if ((int)response.StatusCode < 500 || await IsBusyAsync(response, cancellationToken) || time.GetElapsedTime(started) > RetryTime)
                {
                    return response;
                }

                response.Dispose();
            }
            catch (Exception exception) when (
                exception is HttpRequestException or IOException or TaskCanceledException
                && !cancellationToken.IsCancellationRequested && time.GetElapsedTime(started) <= RetryTime)
            {
                response?.Dispose();
            }

            await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);
        }
    }

    private static async Task<bool> IsBusyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }

        await response.Content.LoadIntoBufferAsync(cancellationToken);
        return (await ProblemAsync(response, cancellationToken)).Code == "SYSTEM_BUSY";
    }

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
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
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
