using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ScanClient;

namespace Load.Desks;

/// <summary>What a run does.</summary>
/// <param name="Gateway">Loopback address.</param>
/// <param name="Models">Of the model server, for what it was asked.</param>
/// <param name="Users">Tasks at a time: each user waits for the end of one before the next.</param>
/// <param name="Tasks">Measured tasks of each user; with the warm-up no more than a user may have in a day.</param>
/// <param name="WarmUp">Tasks of each user before them.</param>
/// <param name="Vision">Latency the model server was given for vision.</param>
/// <param name="Draw">Latency it was given for drawing.</param>
/// <param name="IsBurst">Whether all users begin at once, instead of spread over the latency of a task.</param>
/// <param name="Limit">Bound of the whole run.</param>
/// <param name="Data">The run's data folder.</param>
internal sealed record DeskTaskLoadOptions(
    Uri Gateway, Uri Models, int Users, int Tasks, int WarmUp, TimeSpan Vision, TimeSpan Draw, bool IsBurst, TimeSpan Limit, DirectoryInfo Data)
{
    /// <summary>Times that a task asks a model to look: whether it is a desk, the plan, and where the things are, beside which products are searched for.</summary>
    public const int VisionCalls = 3;

    /// <summary>What a task waits for models, the picture included.</summary>
    public TimeSpan ModelLatency => (VisionCalls * Vision) + Draw;
}

/// <summary>
/// Tasks of desk, many at a time, each with a photo of twelve megapixels that desk has never seen: from the request to the terminal event on its stream. What is above
/// the model server's latencies is the platform's.
/// </summary>
internal sealed class DeskTaskLoad(DeskTaskLoadOptions options, HttpClient http, PhotoServer photos, TextWriter output)
{
    /// <summary>Users before all others, and tasks of each: more than the thirty calls after which the runtime compiles a method again.</summary>
    private const int FirstUsers = 20;

    private const int FirstTasks = 2;

    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentQueue<Measurement> _measured = [];
    private readonly ConcurrentQueue<string> _errors = [];
    private int _busy;
    private int _open;
    private int _mostOpen;
    private int _violations;
    private int _reconnects;

    /// <summary>Runs and prints; 0 when every task was completed, 1 when not, 2 for a target that is not loopback.</summary>
    public static async Task<int> RunAsync(DeskTaskLoadOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        if (!options.Gateway.IsLoopback || !options.Models.IsLoopback)
        {
            await output.WriteLineAsync("only loopback addresses are loaded");
            return 2;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Limit);
        using var http = ScanUser.CreateHttpClient(options.Gateway);
        // As in desk-classify: the photo of a phone.
        await using var photos = await PhotoServer.StartAsync(LargePhotos.Baseline(4000, 3000, noise: 9, quality: 85), cancellationToken);
        return await new DeskTaskLoad(options, http, photos, output).RunAsync(limit.Token);
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await output.WriteLineAsync($"fsync of 4 KiB in {options.Data.Name}: {await FsyncProbe.MeasureAsync(options.Data, cancellationToken)}, load average {LoadAverage()}");
        var users = new List<ScanUser>();
        for (var index = 0; index < options.Users; index++)
        {
            users.Add(new ScanUser(http));
            await users[^1].SignInAsync(cancellationToken);
        }

        await WarmUpAsync(cancellationToken);
        var (asked, processors, started) = (await AskedAsync(cancellationToken), ProcessorTimes(), Stopwatch.GetTimestamp());
        try
        {
            await Task.WhenAll(users.Select((user, index) => Task.Run(
                async () =>
                {
                    await Task.Delay(options.IsBurst ? TimeSpan.Zero : options.ModelLatency * index / options.Users, cancellationToken);
                    for (var task = 0; task < options.WarmUp + options.Tasks; task++)
                    {
                        await DrawAsync(user, isMeasured: task >= options.WarmUp, cancellationToken);
                    }
                },
                cancellationToken)));
        }
        catch (OperationCanceledException)
        {
            await output.WriteLineAsync($"stopped after {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
            return 1;
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        asked = await AskedAsync(cancellationToken) - asked;
        Print(elapsed, asked, ProcessorTimes().Select(used => (used.Name, used.Time - processors.FirstOrDefault(before => before.Name == used.Name).Time)));
        var tasks = options.Users * (options.WarmUp + options.Tasks);
        if (asked.Vision < DeskTaskLoadOptions.VisionCalls * tasks || asked.Drawn < tasks)
        {
            await output.WriteLineAsync("the models were asked less often than tasks ask them: what was measured is not what it is about");
            return 1;
        }

        return _measured.Count == options.Users * options.Tasks && _measured.All(task => task.Status == "completed") ? 0 : 1;
    }

    /// <summary>
    /// A few users before all others: what runs for the first time is compiled first, which takes so long that all the others would then move in one wave for ever.
    /// </summary>
    private async Task WarmUpAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(Enumerable.Range(0, FirstUsers).Select(async _ =>
        {
            var user = new ScanUser(http);
            await user.SignInAsync(cancellationToken);
            for (var task = 0; task < FirstTasks; task++)
            {
                await DrawAsync(user, isMeasured: false, cancellationToken);
            }
        }));

    private async Task DrawAsync(ScanUser user, bool isMeasured, CancellationToken cancellationToken)
    {
        var request = new { initial_image_url = photos.Next(), request_id = $"{Guid.NewGuid()}" };
        try
        {
            var started = Stopwatch.GetTimestamp();
            var id = await SubmitAsync(user, request, cancellationToken);
            var submitted = Stopwatch.GetElapsedTime(started);
            InterlockedMax(ref _mostOpen, Interlocked.Increment(ref _open));
            var stream = new JobStream(user, "/api/v1/jobs");
            var end = await stream.ReadToEndAsync(id, cancellationToken);
            var whole = Stopwatch.GetElapsedTime(started);
            Interlocked.Decrement(ref _open);
            Interlocked.Add(ref _violations, stream.Violations.Count);
            Interlocked.Add(ref _reconnects, stream.Reconnects);
            if (!isMeasured)
            {
                return;
            }

            var task = await user.GetAsync($"/api/v1/desk/v1/tasks/{id}", cancellationToken);
            _measured.Enqueue(new Measurement(
                end.Status, submitted, whole, task.GetProperty("step_times").EnumerateObject().ToDictionary(step => step.Name, step => step.Value.GetDouble())));
            if (task.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            {
                _errors.Enqueue($"{error.GetProperty("code").GetString()}: {error.GetProperty("message").GetString()}");
            }
        }
        catch (Exception exception) when (exception is ApiProblemException or InvalidOperationException)
        {
            _errors.Enqueue(exception.Message);
        }
    }

    /// <summary>A busy answer or a broken connection is tried again as any client would, and the wait counts. The request's id makes that safe.</summary>
    private async Task<Guid> SubmitAsync(ScanUser user, object request, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return (await user.PostAsync("/api/v1/desk/v1/generate", request, cancellationToken)).GetProperty("task_id").GetGuid();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or ApiProblemException { Status: >= HttpStatusCode.InternalServerError })
            {
                Interlocked.Increment(ref _busy);
                await Task.Delay(BusyDelay, cancellationToken);
            }
        }
    }

    private void Print(TimeSpan elapsed, Asked asked, IEnumerable<(string Name, TimeSpan Time)> processors)
    {
        var tasks = options.Users * (options.WarmUp + options.Tasks);
        var latency = options.ModelLatency.TotalMilliseconds;
        double[] whole = [.. _measured.Where(task => task.Status == "completed").Select(task => task.Whole.TotalMilliseconds).Order()];
        Write(
            $"tasks at a time {options.Users}, {(options.IsBurst ? "begun at once" : "begun one after the other")}, most open {_mostOpen}; measured {_measured.Count} after {options.WarmUp} of each user; "
            + $"model latency {latency:0} ms; run {elapsed.TotalSeconds:0.0} s, {tasks / elapsed.TotalSeconds:0.0} tasks/s, load average {LoadAverage()}");
        Write($"completed {whole.Length} of {options.Users * options.Tasks}; the models were asked {(double)asked.Vision / tasks:0.00} times for vision and {(double)asked.Drawn / tasks:0.00} times for a picture by each task");
        WriteTimes("submit", [.. _measured.Select(task => task.Submit.TotalMilliseconds).Order()]);
        WriteTimes("submit to end", whole);
        WriteTimes("added by the platform", [.. whole.Select(time => time - latency)]);
        if (whole.Length > 0)
        {
            var p95 = At(whole, 0.95);
            Write($"p95 overhead {100 * (p95 - latency) / p95:0.0} % of the whole");
        }

        foreach (var step in _measured.SelectMany(task => task.Steps.Keys).Distinct())
        {
            WriteTimes($"step {step}", [.. _measured.Where(task => task.Steps.ContainsKey(step)).Select(task => task.Steps[step]).Order()]);
        }

        Write($"processor time for a task: {string.Join(", ", processors.Select(used => $"{used.Name} {(long)(used.Time / tasks).TotalMilliseconds} ms"))}");
        Write($"calls tried again {_busy}  stream reconnects {_reconnects}  stream contract violations {_violations}  errors {_errors.Count}");
        foreach (var group in _errors.GroupBy(error => error).OrderByDescending(group => group.Count()).Take(5))
        {
            Write($"  {group.Count()} x {group.Key}");
        }

        void Write(string line) => output.WriteLine(line);

        void WriteTimes(string name, double[] sorted)
        {
            if (sorted.Length > 0)
            {
                Write($"{name,-24} p50 {At(sorted, 0.5),9:0} ms  p95 {At(sorted, 0.95),9:0} ms  p99 {At(sorted, 0.99),9:0} ms  max {sorted[^1],9:0} ms");
            }
        }
    }

    /// <summary>What the model server has answered so far.</summary>
    private async Task<Asked> AskedAsync(CancellationToken cancellationToken)
    {
        var stats = await http.GetFromJsonAsync<JsonElement>(new Uri(options.Models, "/stats"), cancellationToken);
        return new Asked(stats.GetProperty("vision").GetInt32(), stats.GetProperty("drawn").GetInt32());
    }

    /// <summary>Of the run and of this process.</summary>
    private List<(string Name, TimeSpan Time)> ProcessorTimes()
    {
        using var self = Process.GetCurrentProcess();
        return [.. RunProcesses.ProcessorTimes(options.Data).Select(used => (used.Key, used.Value)), ("this program", self.TotalProcessorTime)];
    }

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)Math.Ceiling(share * sorted.Length) - 1)];

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private static string LoadAverage() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    private sealed record Measurement(string Status, TimeSpan Submit, TimeSpan Whole, IReadOnlyDictionary<string, double> Steps);

    private readonly record struct Asked(int Vision, int Drawn)
    {
        public static Asked operator -(Asked after, Asked before) => new(after.Vision - before.Vision, after.Drawn - before.Drawn);
    }
}
