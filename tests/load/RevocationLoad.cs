using System.Diagnostics;
using System.Globalization;
using System.Net;
using ScanClient;

namespace Load;

/// <summary>
/// How long a token is taken after its person has logged out, at every gateway of a run. Each gateway is asked again and again with the token,
/// one question at a time, so a figure has the time of a question in it.
/// </summary>
internal static class RevocationLoad
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(DirectoryInfo data, int logouts, TextWriter output, CancellationToken cancellationToken)
    {
        var gateways = await EventRouter.FindAsync(data, cancellationToken, "gateway");
        if (gateways.Count == 0)
        {
            await output.WriteLineAsync($"no gateway in {data.FullName}: start ./daprw run with --replicas gateway=3 first");
            return 1;
        }

        using var http = ScanUser.CreateHttpClient(gateways[0].Address);
        var times = new List<double>();
        var question = new List<double>();
        for (var i = 0; i < logouts; i++)
        {
            var user = new ScanUser(http);
            await user.SignInAsync(cancellationToken);
            var start = Stopwatch.GetTimestamp();
            await Task.WhenAll(gateways.Select(gateway => AskAsync(http, gateway.Address, user, cancellationToken)));
            question.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);

            using var logout = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/logout") { Headers = { Authorization = user.Token } };
            using var answer = await http.SendAsync(logout, cancellationToken);
            answer.EnsureSuccessStatusCode();
            var acknowledged = Stopwatch.GetTimestamp();
            times.AddRange(await Task.WhenAll(gateways.Select(gateway => RefusedAsync(http, gateway.Address, user, acknowledged, cancellationToken))));
        }

        times.Sort();
        question.Sort();
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{logouts} logouts at {gateways.Count} gateways, from the answer to the first 401: p50 {At(times, 0.5):N1} ms, p99 {At(times, 0.99):N1} ms, most {times[^1]:N1} ms; "
            + $"a question to all of them: p50 {At(question, 0.5):N1} ms, p99 {At(question, 0.99):N1} ms"));
        return 0;
    }

    private static async Task<double> RefusedAsync(HttpClient http, Uri gateway, ScanUser user, long acknowledged, CancellationToken cancellationToken)
    {
        while (await AskAsync(http, gateway, user, cancellationToken) != HttpStatusCode.Unauthorized)
        {
            if (Stopwatch.GetElapsedTime(acknowledged) > Limit)
            {
                throw new TimeoutException($"{gateway} still takes the token of somebody who logged out {Limit.TotalSeconds:N0} s ago");
            }
        }

        return Stopwatch.GetElapsedTime(acknowledged).TotalMilliseconds;
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient http, Uri gateway, ScanUser user, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, "/api/v1/users/me")) { Headers = { Authorization = user.Token } };
        using var response = await http.SendAsync(request, cancellationToken);
        return response.StatusCode;
    }

    private static double At(List<double> sorted, double share) => sorted[Math.Min(sorted.Count - 1, (int)Math.Ceiling(share * sorted.Count) - 1)];
}
