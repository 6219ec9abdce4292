using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using Contracts.Jobs;
using ServiceDefaults;

namespace Load;

/// <summary>
/// Closed-loop producers that append to job logs at event-router directly, as activities do: each makes a job, appends its
/// events one by one to the end, and begins the next. Reports appends per second and latency.
/// </summary>
public static class AppendLoad
{
    /// <summary>Events of a job: as many as a scan has.</summary>
    private const int EventsPerJob = 10;

    /// <summary>Runs for a quarter of the time to warm up, then measures; 1 when the run's event-router is not found.</summary>
    public static async Task<int> RunAsync(DirectoryInfo data, int producers, TimeSpan time, TextWriter output, CancellationToken cancellationToken)
    {
        var routers = await EventRouter.FindAsync(data, cancellationToken);
        if (routers.Count == 0)
        {
            await output.WriteLineAsync("--data does not name the data folder of a run");
            return 1;
        }

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await MeasureAsync(time / 4);
        var times = await MeasureAsync(time);
        await output.WriteLineAsync(
            $"appends: {producers} producers, {routers.Count} event-router: {times.Length / time.TotalSeconds:0} appends/s  "
            + $"p50 {times[times.Length / 2]:0.00} ms  p95 {times[times.Length * 95 / 100]:0.00} ms  p99 {times[times.Length * 99 / 100]:0.00} ms");
        return 0;

        async Task<double[]> MeasureAsync(TimeSpan span)
        {
            var measured = new ConcurrentBag<List<double>>();
            var ends = Stopwatch.GetTimestamp() + (long)(span.TotalSeconds * Stopwatch.Frequency);
            await Task.WhenAll(Enumerable.Range(0, producers).Select(index => Task.Run(
                async () => measured.Add(await ProduceAsync(http, routers[index % routers.Count], ends, cancellationToken)), cancellationToken)));
            return [.. measured.SelectMany(list => list).Order()];
        }
    }

    private static async Task<List<double>> ProduceAsync(HttpClient http, EventRouter router, long ends, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        while (Stopwatch.GetTimestamp() < ends)
        {
            var job = Guid.CreateVersion7();
            var creation = new JobCreation(job.ToString(), "scan", DateTimeOffset.UtcNow.AddMinutes(5), null, int.MaxValue, int.MaxValue);
            for (var number = 1; number <= EventsPerJob; number++)
            {
                var last = number == EventsPerJob;
                var input = new JobEventInput(
                    last ? "done.completed" : $"vision#{number}.processing", last ? "done" : "vision", last ? "completed" : "processing", number * 10, DateTimeOffset.UtcNow);
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(router.Address, $"/jobs/{job}/events"))
                {
                    Content = JsonContent.Create(new AppendJobEvents([input], number == 1 ? creation : null), options: TandemJson.Options),
                };
                request.Headers.Add("dapr-api-token", router.Token);
                request.Headers.Add("dapr-caller-app-id", "scan");
                var started = Stopwatch.GetTimestamp();
                using var response = await http.SendAsync(request, cancellationToken);
                response.EnsureSuccessStatusCode();
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        return times;
    }
}
