using System.Diagnostics;
using LocalServers;

namespace Load.Sidecars;

/// <summary>
/// Reads and writes of one small value through a real <c>Sidecar.Host</c>, for each store on its own private server. The stores take turns within
/// one run and the best round counts, because other work on the machine only ever adds.
/// </summary>
internal sealed class StateLoad(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Callers = 32;
    private const string Value = "some bytes of state, as many as a small document has: 0123456789 0123456789 0123456789 0123456789";
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    /// <summary>Measures the stores whose servers are installed.</summary>
    public static async Task<int> RunAsync(int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("tandem-load-");
        if (!OperatingSystem.IsWindows())
        {
            // The user postgres must be able to reach its data.
            File.SetUnixFileMode(folder.FullName, folder.UnixFileMode | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        try
        {
            await using var redis = new RedisServer(Path.Combine(folder.FullName, "redis"));
            await using var postgres = new PostgresServer(Path.Combine(folder.FullName, "postgresql"));
            MeasuredComponent[] stores =
            [
                new("in-memory", "{type: state.in-memory, version: v1, metadata: []}"),
                new("tandem", "{type: state.tandem, version: v1, metadata: []}"),
                .. await MeasuredComponent.OnAsync(redis, () => Task.FromResult(
                    $"{{type: state.redis, version: v1, metadata: [{{name: redisHost, value: \"{redis.Address}\"}}]}}"), output, cancellationToken),
                .. await MeasuredComponent.OnAsync(postgres, async () =>
                    $"{{type: state.postgresql, version: v2, metadata: [{{name: connectionString, value: \"{await postgres.CreateDatabaseAsync("load")}\"}}]}}",
                    output, cancellationToken),
            ];
            await new StateLoad(output, rounds, cancellationToken).MeasureAsync(folder, stores);
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task MeasureAsync(DirectoryInfo folder, MeasuredComponent[] stores)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var sidecar = await SidecarUnderLoad.StartAsync(
            folder.CreateSubdirectory("sidecar"), 1, SidecarUnderLoad.FreePorts(1)[0], tracing: false, http, cancellationToken, MeasuredComponent.Resources(stores));
        var measured = stores.ToDictionary(store => store.Name, _ => new Best());
        // The first round is for the compiler.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, best) in measured)
            {
                var address = new Uri(sidecar.Address, $"/v1.0/state/{name}");
                var (set, setRate) = (await TimesAsync(address, write: true, callers: 1), await TimesAsync(address, write: true, Callers));
                var (get, getRate) = (await TimesAsync(address, write: false, callers: 1), await TimesAsync(address, write: false, Callers));
                if (round > 0)
                {
                    best.Add(get.Median, set.Median, getRate.PerSecond, setRate.PerSecond);
                }
            }
        }

        await output.WriteLineAsync($"state of {Value.Length} bytes, best of {rounds} rounds of {Turn.TotalSeconds} s; x is beside {stores[0].Name}; fsync of 4 KiB {await FsyncProbe.MeasureAsync(folder, cancellationToken)}");
        var first = measured[stores[0].Name];
        foreach (var (name, best) in measured)
        {
            await output.WriteLineAsync(
                $"{name,-12} one caller: get p50 {best.Get:0.000} ms ({best.Get / first.Get:0.00} x), set p50 {best.Set:0.000} ms ({best.Set / first.Set:0.00} x)   "
                + $"{Callers} callers: get {best.GetRate:0}/s ({best.GetRate / first.GetRate:0.00} x), set {best.SetRate:0}/s ({best.SetRate / first.SetRate:0.00} x)");
        }
    }

    /// <summary>One turn of callers that each have a connection and a key of their own.</summary>
    private async Task<(double Median, double PerSecond)> TimesAsync(Uri store, bool write, int callers)
    {
        var times = new List<double>[callers];
        var begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var own = times[caller] = [];
            using var connection = write
                ? await RawConnection.OpenAsync(store, $$"""[{"key":"key-{{caller}}","value":"{{Value}}"}]""", cancellationToken)
                : await RawConnection.OpenAsync(new Uri($"{store}/key-{caller}"), body: null, cancellationToken);
            while (Stopwatch.GetElapsedTime(begun) < Turn)
            {
                var started = Stopwatch.GetTimestamp();
                await connection.SendAsync(cancellationToken);
                own.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        })));
        var took = Stopwatch.GetElapsedTime(begun);
        double[] all = [.. times.SelectMany(own => own).Order()];
        return (all[all.Length / 2], all.Length / took.TotalSeconds);
    }

    private sealed class Best
    {
        public double Get { get; private set; } = double.MaxValue;

        public double Set { get; private set; } = double.MaxValue;

        public double GetRate { get; private set; }

        public double SetRate { get; private set; }

        public void Add(double get, double set, double getRate, double setRate) =>
            (Get, Set, GetRate, SetRate) = (Math.Min(Get, get), Math.Min(Set, set), Math.Max(GetRate, getRate), Math.Max(SetRate, setRate));
    }
}
