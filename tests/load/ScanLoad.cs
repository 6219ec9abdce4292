using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using ScanClient;

namespace Load;

/// <summary>What a run does.</summary>
/// <param name="Gateway">Loopback address.</param>
/// <param name="Users">Closed-loop users.</param>
/// <param name="ScansPerUser">Scans each.</param>
/// <param name="Photo">Uploaded once per user.</param>
/// <param name="ModelLatency">Vision and answer latency of the model server together.</param>
/// <param name="Limit">Bound of the whole run.</param>
/// <param name="WarmUp">Scans of each user before the measured ones.</param>
/// <param name="Data">The run's data folder, for its metrics.</param>
public sealed record ScanLoadOptions(
    Uri Gateway, int Users, int ScansPerUser, FileInfo Photo, TimeSpan ModelLatency, TimeSpan Limit, int WarmUp, DirectoryInfo Data);

/// <summary>
/// N users, each: submit, follow the events to the end, again. They begin spread over the model's latency, as independent
/// people do. Reports completion, percentiles from submit to the terminal event, what the platform added to the model's own
/// latency, and what it did for that.
/// </summary>
public static class ScanLoad
{
    /// <summary>Runs and prints; 0 when every scan completed, 1 when not, 2 for a target that is not loopback.</summary>
    public static async Task<int> RunAsync(ScanLoadOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        if (!options.Gateway.IsLoopback)
        {
            await output.WriteLineAsync("only loopback addresses are loaded");
            return 2;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Limit);
        using var http = ScanUser.CreateHttpClient(options.Gateway);
        var picture = await File.ReadAllBytesAsync(options.Photo.FullName, cancellationToken);
        var type = options.Photo.Extension.Equals(".png", StringComparison.OrdinalIgnoreCase) ? "image/png" : "image/jpeg";

        var metrics = new PlatformMetrics(http, options.Data);
        await output.WriteLineAsync($"fsync of 4 KiB in {options.Data.Name}: {await FsyncProbe.MeasureAsync(options.Data, limit.Token)}");
        var before = await metrics.ReadAsync(limit.Token);
        var warmUp = new Measurements();
        var measurements = new Measurements();
        var started = Stopwatch.GetTimestamp();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, options.Users).Select(index => Task.Run(
                async () =>
                {
                    await Task.Delay(options.ModelLatency * index / options.Users, limit.Token);
                    await RunUserAsync(http, picture, type, options, warmUp, measurements, limit.Token);
                },
                limit.Token)));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await output.WriteLineAsync($"stopped after {options.Limit.TotalSeconds:0} s");
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        measurements.Print(output, options, elapsed, warmUp.Completed);
        await PrintAsync(output, before, await metrics.ReadAsync(cancellationToken), elapsed);
        return measurements.Completed == options.Users * options.ScansPerUser ? 0 : 1;
    }

    private static async Task RunUserAsync(
        HttpClient http, byte[] picture, string type, ScanLoadOptions options, Measurements warmUp, Measurements measured, CancellationToken cancellationToken)
    {
        var user = new ScanUser(http);
        await user.SignInAsync(cancellationToken);
        var image = await RepeatAsync(() => user.UploadAsync(picture, type, cancellationToken), warmUp, cancellationToken);
        for (var scan = 0; scan < options.WarmUp + options.ScansPerUser; scan++)
        {
            var measurements = scan < options.WarmUp ? warmUp : measured;
            var started = Stopwatch.GetTimestamp();
            try
            {
                var job = await SubmitAsync(user, image, measurements, cancellationToken);
                measurements.Submits.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                var stream = new JobStream(user);
                var end = await stream.ReadToEndAsync(job, cancellationToken);
                measurements.Add(end.Status, Stopwatch.GetElapsedTime(started).TotalMilliseconds, stream);
            }
            catch (Exception exception) when (exception is ApiProblemException or InvalidOperationException)
            {
                measurements.Errors.Add(exception.Message);
            }
        }
    }

    private static Task<Guid> SubmitAsync(ScanUser user, string image, Measurements measurements, CancellationToken cancellationToken)
    {
        var key = Guid.NewGuid().ToString();
        return RepeatAsync(() => user.SubmitAsync(image, key, cancellationToken), measurements, cancellationToken);
    }

    /// <summary>A busy answer or a broken connection is tried again as any client would, and the wait counts.</summary>
    private static async Task<T> RepeatAsync<T>(Func<Task<T>> call, Measurements measurements, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (
                exception is HttpRequestException or IOException
                || exception is ApiProblemException { Status: HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError })
            {
                Interlocked.Increment(ref measurements.Busy);
                await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
            }
        }
    }

    private static async Task PrintAsync(
        TextWriter output, IReadOnlyDictionary<string, double> before, IReadOnlyDictionary<string, double> after, TimeSpan elapsed)
    {
        if (after.Count == 0)
        {
            await output.WriteLineAsync("no metrics: --data does not name the data folder of the run");
            return;
        }

        double Grown(string name) => after.GetValueOrDefault(name) - before.GetValueOrDefault(name);
        await output.WriteLineAsync(
            $"job log: {Grown("joblog_appends_total") / elapsed.TotalSeconds:0.0} appends/s  answered p50 {PlatformMetrics.AppendQuantile(Grown, 0.5)}, "
            + $"p95 {PlatformMetrics.AppendQuantile(Grown, 0.95)}  compare-and-set conflicts {Grown("joblog_conflicts_total"):0}  read-backs {Grown("joblog_reads_total"):0}");
    }

    private sealed class Measurements
    {
        private readonly ConcurrentBag<double> _totals = [];
        private readonly ConcurrentDictionary<string, int> _ends = [];
        private int _violations;
        private int _reconnects;

        public int Busy;

        public ConcurrentBag<double> Submits { get; } = [];

        public ConcurrentBag<string> Errors { get; } = [];

        public int Completed => _ends.GetValueOrDefault("completed");

        public void Add(string status, double milliseconds, JobStream stream)
        {
            _totals.Add(milliseconds);
            _ends.AddOrUpdate(status, 1, (_, count) => count + 1);
            Interlocked.Add(ref _violations, stream.Violations.Count);
            Interlocked.Add(ref _reconnects, stream.Reconnects);
        }

        public void Print(TextWriter output, ScanLoadOptions options, TimeSpan elapsed, int warmedUp)
        {
            var expected = options.Users * options.ScansPerUser;
            var totals = _totals.Order().ToArray();
            var submits = Submits.Order().ToArray();
            output.WriteLine($"users {options.Users}  measured scans {expected} after {options.WarmUp} of each user  model latency {options.ModelLatency.TotalMilliseconds:0} ms  run {elapsed.TotalSeconds:0.0} s");
            output.WriteLine($"ended: {string.Join(", ", _ends.Select(end => $"{end.Key} {end.Value}"))}  completion {100.0 * Completed / expected:0.0} %  throughput with the warm-up {(Completed + warmedUp) / elapsed.TotalSeconds:0.0} scans/s");
            Print(output, "submit", submits);
            Print(output, "submit to end", totals);
            Print(output, "added by the platform", [.. totals.Select(total => total - options.ModelLatency.TotalMilliseconds)]);
            if (totals.Length > 0)
            {
                var p95 = Percentile(totals, 0.95);
                output.WriteLine($"p95 overhead {100 * (p95 / options.ModelLatency.TotalMilliseconds - 1):0.0} % of the model's latency");
            }

            output.WriteLine($"calls tried again {Busy}  stream reconnects {_reconnects}  stream contract violations {_violations}  errors {Errors.Count}");
            foreach (var group in Errors.GroupBy(error => error).OrderByDescending(group => group.Count()).Take(5))
            {
                output.WriteLine($"  {group.Count()} x {group.Key}");
            }
        }

        private static void Print(TextWriter output, string name, double[] sorted) => output.WriteLine(sorted.Length == 0
            ? $"{name,-24} nothing measured"
            : $"{name,-24} p50 {Percentile(sorted, 0.5),9:0.0} ms  p95 {Percentile(sorted, 0.95),9:0.0} ms  p99 {Percentile(sorted, 0.99),9:0.0} ms  max {sorted[^1],9:0.0} ms");

        private static double Percentile(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }
}
