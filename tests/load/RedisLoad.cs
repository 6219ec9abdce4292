using System.Diagnostics;
using System.Globalization;
using LocalServers;
using Sidecar.Redis;

namespace Load;

/// <summary>
/// The Redis client beside redis-benchmark, in turns within one run on a server of its own: one connection, the same command, payload and number
/// of commands on their way. Ours twice: as pipelines, which is what redis-benchmark does, and as that many callers that each wait for a reply.
/// The best of many short turns counts for both, because other work on the machine only ever adds.
/// </summary>
internal sealed class RedisLoad(RedisServer server, RedisClient redis, TextWriter output, CancellationToken cancellationToken)
{
    private const string Key = "key:__rand_int__";
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(0.4);
    private static readonly byte[] Value = new byte[64];

    /// <summary>Runs every command and depth.</summary>
    public static async Task<int> RunAsync(int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("tandem-load-");
        try
        {
            await using var server = new RedisServer(folder.FullName, new RedisServerOptions { Arguments = ["--appendonly", "no"] });
            await server.StartAsync(cancellationToken);
            await using var redis = await RedisClient.ConnectAsync(new RedisOptions { Host = server.Host, Port = server.Port }, cancellationToken);
            var load = new RedisLoad(server, redis, output, cancellationToken);
            await load.MeasureAsync("SET", rounds, RedisCommand.Of("SET", Key, Value));
            await load.MeasureAsync("GET", rounds, RedisCommand.Of("GET", Key));
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task MeasureAsync(string name, int rounds, RedisCommand command)
    {
        await output.WriteLineAsync($"{name}, 64 bytes, one connection: commands/s, best of {rounds} rounds; in brackets the median of the ratios within a round");
        foreach (var depth in (int[])[1, 16, 64])
        {
            var runs = new List<(double Benchmark, double Pipelines, double Callers)>();
            await PipelinesAsync(command, depth);
            await CallersAsync(command, depth);
            for (var round = 0; round < rounds; round++)
            {
                runs.Add((await BenchmarkAsync(name, depth), await PipelinesAsync(command, depth), await CallersAsync(command, depth)));
            }

            var best = runs.Max(run => run.Benchmark);
            var pipelines = Compared(best, [.. runs.Select(run => run.Pipelines)], [.. runs.Select(run => run.Benchmark)]);
            var callers = Compared(best, [.. runs.Select(run => run.Callers)], [.. runs.Select(run => run.Benchmark)]);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"  depth {depth,2}: redis-benchmark {best,9:N0}   pipelines {pipelines}   callers {callers}"));
        }
    }

    /// <summary>"SET","113636.37",…: rate in the second column.</summary>
    private async Task<double> BenchmarkAsync(string name, int depth)
    {
        var commands = depth == 1 ? 15_000 : depth * 10_000;
        var start = new ProcessStartInfo("redis-benchmark") { RedirectStandardOutput = true };
        foreach (var argument in (string[])
            ["-h", server.Host, "-p", $"{server.Port}", "-t", name.ToLowerInvariant(), "-c", "1", "-P", $"{depth}", "-d", $"{Value.Length}", "-n", $"{commands}", "--csv"])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var text = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        var line = text.Split('\n').Last(line => line.StartsWith($"\"{name}", StringComparison.Ordinal));
        return double.Parse(line.Split(',')[1].Trim('"'), CultureInfo.InvariantCulture);
    }

    private async Task<double> PipelinesAsync(RedisCommand command, int depth)
    {
        RedisCommand[] pipeline = [.. Enumerable.Repeat(command, depth)];
        var (count, begin) = (0L, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(begin) < Turn)
        {
            count += (await redis.ExecuteManyAsync(pipeline, cancellationToken)).Count;
        }

        return count / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private async Task<double> CallersAsync(RedisCommand command, int depth)
    {
        var begin = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, depth).Select(_ => Task.Run(async () =>
        {
            var count = 0L;
            while (Stopwatch.GetElapsedTime(begin) < Turn)
            {
                await redis.ExecuteAsync(command, cancellationToken);
                count++;
            }

            return count;
        })));
        return counts.Sum() / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static string Compared(double best, double[] rates, double[] benchmark) => string.Create(
        CultureInfo.InvariantCulture, $"{rates.Max(),9:N0} = {rates.Max() / best,4:P0} ({Median(rates.Zip(benchmark, (ours, theirs) => ours / theirs)):P0})");

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
