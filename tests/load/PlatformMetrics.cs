using System.Globalization;
using System.Text.RegularExpressions;

namespace Load;

/// <summary>Counters of the run's event-routers, read from their <c>/metrics</c>.</summary>
public sealed partial class PlatformMetrics(HttpClient http, DirectoryInfo data)
{
    private static readonly string[] Bounds =
        ["0.0005", "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1", "2", "4", "8", "16", "32"];

    /// <summary>Sum over the replicas of event-router by metric name, buckets with their bound; empty when the run's file is not there.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ReadAsync(CancellationToken cancellationToken)
    {
        var sums = new Dictionary<string, double>();
        foreach (var (address, token) in await EventRouter.FindAsync(data, cancellationToken))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/metrics"));
            request.Headers.Add("dapr-api-token", token);
            using var response = await http.SendAsync(request, cancellationToken);
            response.EnsureSuccessStatusCode();
            foreach (var line in (await response.Content.ReadAsStringAsync(cancellationToken)).Split('\n').Where(line => line.StartsWith("joblog_", StringComparison.Ordinal)))
            {
                var name = line[..line.IndexOfAny(['{', ' '])] + BucketBound().Match(line).Value;
                sums[name] = sums.GetValueOrDefault(name) + double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            }
        }

        return sums;
    }

    /// <summary>Bound of the bucket that holds the given share of appends, seconds.</summary>
    public static string AppendQuantile(Func<string, double> grown, double share)
    {
        const string Name = "joblog_append_duration_seconds";
        var wanted = share * grown($"{Name}_count");
        return Bounds.FirstOrDefault(bound => grown($"{Name}_bucketle=\"{bound}\"") >= wanted) is { } bound
            ? $"<= {double.Parse(bound, CultureInfo.InvariantCulture) * 1000:0.#} ms"
            : "over 32 s";
    }

    [GeneratedRegex("le=\"[^\"]*\"")]
    private static partial Regex BucketBound();
}
