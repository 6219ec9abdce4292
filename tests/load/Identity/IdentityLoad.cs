using System.Diagnostics;
using System.Globalization;
using Load.Sidecars;
using TestKit;

namespace Load.Identity;

/// <summary>
/// What the check of tokens costs: a route of the gateway with it beside the same without it, decisions for Envoy, one verification. What is
/// compared is measured in turns within one run; processor time is the gateway process's own.
/// </summary>
internal sealed class IdentityLoad(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Connections = 32;

    /// <summary>Not counted.</summary>
    private const int CompilerRounds = 3;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        TokenCost.Measure(rounds, output);
        await new IdentityLoad(output, rounds, cancellationToken).MeasureAsync();
        return 0;
    }

    private async Task MeasureAsync()
    {
        using var gateway = await GatewayUnderLoad.StartAsync(cancellationToken);
        // As many people as connections, so that tokens are found and not verified anew.
        var bearers = Enumerable.Range(0, Connections).Select(user => $"Authorization: Bearer {TestTokens.Of($"user-{user}", TimeSpan.FromHours(3))}\r\n").ToArray();
        var (without, with, decisions) = (new List<Measured>(), new List<Measured>(), new List<Measured>());
        for (var round = 1 - CompilerRounds; round <= rounds; round++)
        {
            // Each goes first in turn: the machine is not the same from one second to the next.
            var early = round % 2 == 0 ? await OpenAsync() : await CheckedAsync();
            var late = round % 2 == 0 ? await CheckedAsync() : await OpenAsync();
            var decision = await TurnAsync(gateway, gateway.Decision, user => bearers[user] + EnvoyHeaders);
            if (round > 0)
            {
                without.Add(round % 2 == 0 ? early : late);
                with.Add(round % 2 == 0 ? late : early);
                decisions.Add(decision);
                await output.WriteLineAsync(
                    $"round {round}: without check {without[^1]}, with {with[^1]}, decisions {decision}; load average {LoadAverage()}");
            }
        }

        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"with the check, beside without it in the same round (median of {rounds}): {Middle(with.Zip(without, (one, other) => one.Rate / other.Rate)):P0} of the rate, "
            + $"{Middle(with.Zip(without, (one, other) => one.Micros - other.Micros)):0.0} us more of the gateway's processor time for a request"));
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"decisions for Envoy: {Middle(decisions.Select(turn => turn.PerCore)):N0}/s and core (median), {decisions.Max(turn => turn.PerCore):N0} (best); "
            + $"{decisions.Max(turn => turn.Rate):N0}/s beside the load"));

        Task<Measured> OpenAsync() => TurnAsync(gateway, gateway.Open, _ => "");

        Task<Measured> CheckedAsync() => TurnAsync(gateway, gateway.Checked, user => bearers[user]);
    }

    /// <summary>What Envoy adds to a check of a request without a body.</summary>
    private const string EnvoyHeaders =
        "content-length: 0\r\nx-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 200\r\nx-forwarded-for: 203.0.113.7\r\n"
        + "x-forwarded-proto: https\r\nx-request-id: 5f9c6c1e-0000-4000-8000-000000000001\r\n";

    /// <summary>Requests on kept connections, each of which waits for its answer.</summary>
    private async Task<Measured> TurnAsync(GatewayUnderLoad gateway, Uri address, Func<int, string> headersOf)
    {
        var connections = new List<RawConnection>();
        try
        {
            for (var connection = 0; connection < Connections; connection++)
            {
                connections.Add(await RawConnection.OpenAsync(address, null, cancellationToken, headersOf(connection)));
            }

            var allocated = await gateway.AllocatedAsync(cancellationToken);
            var (processor, started) = (gateway.ProcessorTime, Stopwatch.GetTimestamp());
            var counts = await Task.WhenAll(connections.Select(connection => Task.Run(async () =>
            {
                var count = 0L;
                while (Stopwatch.GetElapsedTime(started) < Turn)
                {
                    await connection.SendAsync(cancellationToken);
                    count++;
                }

                return count;
            })));
            var answered = counts.Sum();
            var (rate, micros) = (answered / Stopwatch.GetElapsedTime(started).TotalSeconds, (gateway.ProcessorTime - processor).TotalMicroseconds / answered);
            return new Measured(rate, micros, (await gateway.AllocatedAsync(cancellationToken) - allocated) / answered);
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    private static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static string LoadAverage() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    /// <summary>Requests a second, and the gateway's processor time and allocations for each.</summary>
    private sealed record Measured(double Rate, double Micros, double Bytes)
    {
        public double PerCore => 1_000_000 / Micros;

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rate:N0}/s {Micros:N1} us {Bytes:N0} bytes");
    }
}
