using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Load.Sidecars;

/// <summary>
/// The sidecar's own costs: a real <c>Sidecar.Host</c>, an app in a process of its own, real sockets. Everything that is compared is
/// measured in turns within one run, several times; the best round counts, because other work on the machine only ever adds.
/// </summary>
internal sealed class SidecarLoad(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Callers = 32;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    /// <summary>Runs everything with or without tracing.</summary>
    public static async Task<int> RunAsync(int rounds, bool tracing, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("tandem-load-");
        try
        {
            await new SidecarLoad(output, rounds, cancellationToken).MeasureAsync(folder, tracing);
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task MeasureAsync(DirectoryInfo folder, bool tracing)
    {
        await output.WriteLineAsync($"tracing {(tracing ? "on" : "off")}, best of {rounds} rounds of {Turn.TotalSeconds} s");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        var ports = SidecarUnderLoad.FreePorts(2);
        var (direct, bareProxy) = (new Uri($"http://127.0.0.1:{ports[0]}/hello"), new Uri($"http://127.0.0.1:{ports[1]}/proxy"));
        using var app = Child.Start("Load", "app", "--port", Text(ports[0]));
        using var proxy = Child.Start("Load", "app", "--port", Text(ports[1]), "--behind", direct.AbsoluteUri);
        await SidecarUnderLoad.UntilAsync(http, bareProxy, cancellationToken);

        using (var sidecar = await SidecarUnderLoad.StartAsync(folder.CreateSubdirectory("one"), 1, ports[0], tracing, http, cancellationToken))
        {
            using (var answer = await http.GetAsync(new Uri(sidecar.Address, "/v1.0/metadata"), cancellationToken))
            {
                if (answer.Headers.Contains("traceparent") != tracing)
                {
                    throw new InvalidOperationException($"the sidecar's tracing is {(tracing ? "off" : "on")}");
                }
            }

            await LatenciesAsync(http, folder, direct, bareProxy, sidecar);
            await MessagesAsync(http, direct, sidecar);
            await ActorsAsync(http, sidecar);
        }

        await IdleAsync(http, folder, ports[0], tracing);
    }

    private async Task LatenciesAsync(HttpClient http, DirectoryInfo folder, Uri direct, Uri bareProxy, SidecarUnderLoad process)
    {
        var sidecar = process.Address;
        var state = new Uri(sidecar, "/v1.0/state/state");
        await PostAsync(http, state, """[{"key":"key","value":"some bytes of state"}]""");
        await using var disk = new FileStream(Path.Combine(folder.FullName, "fsync"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        var measured = await MeasureAsync(
            process,
            ("direct", () => GetAsync(http, direct)),
            ("bare proxy", () => GetAsync(http, bareProxy)),
            ("invocation", () => GetAsync(http, new Uri(sidecar, "/v1.0/invoke/load/method/hello"))),
            ("actor call", () => PostAsync(http, new Uri(sidecar, "/v1.0/actors/Load/one/method/nothing"), "{}")),
            ("state get", () => GetAsync(http, new Uri(state + "/key"))),
            ("publish in memory", () => PostAsync(http, new Uri(sidecar, "/v1.0/publish/memory/unheard"), "{}")),
            ("fsync of 4 KiB", async () =>
            {
                await disk.WriteAsync(page, cancellationToken);
                disk.Flush(flushToDisk: true);
            }),
            ("publish durably", () => PostAsync(http, new Uri(sidecar, "/v1.0/publish/durable/unheard"), "{}")),
            ("state save", () => PostAsync(http, state, """[{"key":"key","value":"some bytes of state"}]""")));
        foreach (var (name, turns) in measured)
        {
            var best = turns.MinBy(turn => turn.Median)!;
            await output.WriteLineAsync(
                $"{name,-20} p50 {best.Median,7:0.000} ms  p95 {best.High,7:0.000} ms  sidecar's processor {best.Processor,5:0} us");
        }

        await output.WriteLineAsync(
            $"in one round (median of the rounds): invocation {Ratio("invocation"):0.00} x direct and {Added("invocation", "direct"):0.000} ms more, "
            + $"a bare proxy {Ratio("bare proxy"):0.00} x; durable publish {Added("publish durably", "fsync of 4 KiB"):0.000} ms more than fsync");

        double Ratio(string name) => Middle(measured[name].Zip(measured["direct"], (turn, direct) => turn.Median / direct.Median));

        double Added(string name, string to) => Middle(measured[name].Zip(measured[to], (turn, other) => turn.Median - other.Median));
    }

    /// <summary>Messages published one by one, delivered to the app over HTTP and acknowledged.</summary>
    private async Task MessagesAsync(HttpClient http, Uri app, SidecarUnderLoad sidecar)
    {
        var counter = new Uri(app, "/received");
        var rates = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            var before = await ReceivedAsync(http, counter);
            var started = Stopwatch.GetTimestamp();
            var processor = sidecar.ProcessorTime;
            var published = await PostAllAsync(_ => new Uri(sidecar.Address, "/v1.0/publish/memory/load"), Turn * 4);
            while (await ReceivedAsync(http, counter) < before + published)
            {
                await Task.Delay(5, cancellationToken);
            }

            // The first round is for the compiler.
            var time = Stopwatch.GetElapsedTime(started);
            if (round > 0)
            {
                rates.Add(published / time.TotalSeconds);
                await output.WriteLineAsync(
                    $"messages, round {round}: {rates[^1]:0}/s, {(sidecar.ProcessorTime - processor).TotalMicroseconds / published:0.0} us of the sidecar's processor time each");
            }
        }

        await output.WriteLineAsync($"in-memory messages published singly, delivered and acknowledged: {rates.Max():0}/s");
    }

    /// <summary>Calls of actors, each caller with one of its own.</summary>
    private async Task ActorsAsync(HttpClient http, SidecarUnderLoad sidecar)
    {
        await SidecarUnderLoad.UntilAsync(http, new Uri(sidecar.Address, "/v1.0/healthz"), cancellationToken);
        var rates = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            var calls = await PostAllAsync(caller => new Uri(sidecar.Address, $"/v1.0/actors/Load/{caller}/method/nothing"), Turn * 2);
            if (round > 0)
            {
                rates.Add(calls / Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
        }

        await output.WriteLineAsync($"actor calls of {Callers} callers: {rates.Max():0}/s");
    }

    /// <summary>Posts on a connection per caller for the time; returns how often.</summary>
    private async Task<long> PostAllAsync(Func<int, Uri> address, TimeSpan time)
    {
        var posted = 0L;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            using var connection = await RawConnection.OpenAsync(address(caller), """{"order":4711}""", cancellationToken);
            while (Stopwatch.GetElapsedTime(started) < time)
            {
                await connection.SendAsync(cancellationToken);
                Interlocked.Increment(ref posted);
            }
        })));
        return posted;
    }

    private async Task IdleAsync(HttpClient http, DirectoryInfo folder, int appPort, bool tracing)
    {
        foreach (var apps in (int[])[1, 20])
        {
            var ready = TimeSpan.MaxValue;
            for (var round = 0; round < rounds; round++)
            {
                var own = folder.CreateSubdirectory($"idle-{apps}-{round}");
                using var sidecar = await SidecarUnderLoad.StartAsync(own, apps, appPort, tracing, http, cancellationToken);
                ready = sidecar.Ready < ready ? sidecar.Ready : ready;
                if (round == rounds - 1)
                {
                    await Task.Delay(TimeSpan.FromSeconds(10), cancellationToken);
                    var before = sidecar.ProcessorTime;
                    await Task.Delay(TimeSpan.FromSeconds(10), cancellationToken);
                    await output.WriteLineAsync(
                        $"sidecar for {apps} app(s): ready after {ready.TotalMilliseconds:0} ms; idle {sidecar.ResidentBytes / 1e6:0} MB, "
                        + $"{(sidecar.ProcessorTime - before).TotalSeconds * 10:0.0} % of a processor");
                }
            }
        }
    }

    /// <summary>Runs the calls in turns, after a round that does not count.</summary>
    private async Task<Dictionary<string, List<Times>>> MeasureAsync(SidecarUnderLoad process, params (string Name, Func<Task> Call)[] calls)
    {
        var measured = calls.ToDictionary(call => call.Name, _ => new List<Times>());
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, call) in calls)
            {
                var times = new List<double>();
                var before = process.ProcessorTime;
                for (var end = Stopwatch.GetTimestamp() + (long)(Turn.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
                {
                    var started = Stopwatch.GetTimestamp();
                    await call();
                    times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }

                var processor = (process.ProcessorTime - before).TotalMicroseconds / times.Count;
                times.Sort();
                if (round > 0)
                {
                    measured[name].Add(new Times(times[times.Count / 2], times[times.Count * 95 / 100], processor));
                }
            }
        }

        return measured;
    }

    private async Task GetAsync(HttpClient http, Uri address)
    {
        using var response = await http.GetAsync(address, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private async Task PostAsync(HttpClient http, Uri address, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(address, content, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private async Task<long> ReceivedAsync(HttpClient http, Uri counter) =>
        long.Parse(await http.GetStringAsync(counter, cancellationToken), CultureInfo.InvariantCulture);

    private double Middle(IEnumerable<double> values) => values.Order().ElementAt(rounds / 2);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Of the calls of one turn, in milliseconds; the sidecar's processor time for each in microseconds.</summary>
    private sealed record Times(double Median, double High, double Processor);
}
