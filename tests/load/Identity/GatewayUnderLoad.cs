using System.Globalization;
using Load.Sidecars;
using TestKit;

namespace Load.Identity;

/// <summary>A gateway process with one upstream that answers at once: behind a public route, behind one that asks for a token, and checks for Envoy.</summary>
internal sealed class GatewayUnderLoad : IDisposable
{
    private const string Token = "token-of-the-benchmark";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
    private readonly Child _upstream;
    private readonly Child _process;

    private GatewayUnderLoad(Child upstream, Child process, int port, int checks)
    {
        (_upstream, _process) = (upstream, process);
        Open = new Uri($"http://127.0.0.1:{port}/open");
        Checked = new Uri($"http://127.0.0.1:{port}/checked");
        Decision = new Uri($"http://127.0.0.1:{checks}/api/v1/users/me");
    }

    /// <summary>The public route.</summary>
    public Uri Open { get; }

    /// <summary>The same with the check.</summary>
    public Uri Checked { get; }

    /// <summary>A check for Envoy.</summary>
    public Uri Decision { get; }

    /// <summary>Processor time of the gateway so far.</summary>
    public TimeSpan ProcessorTime => _process.ProcessorTime;

    /// <summary>Bytes that the gateway has allocated so far.</summary>
    public async Task<double> AllocatedAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Open, "/metrics"));
        request.Headers.Add("dapr-api-token", Token);
        using var response = await _http.SendAsync(request, cancellationToken);
        var metrics = await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellationToken);
        const string Name = "\ndotnet_gc_heap_total_allocated_bytes_total ";
        var value = metrics.AsSpan(metrics.IndexOf(Name, StringComparison.Ordinal) + Name.Length);
        return double.Parse(value[..value.IndexOf('\n')], CultureInfo.InvariantCulture);
    }

    /// <summary>Starts both and waits until the gateway is ready.</summary>
    public static async Task<GatewayUnderLoad> StartAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        var ports = SidecarUnderLoad.FreePorts(3);
        var upstream = Child.Start("Load", "app", "--port", Text(ports[0]));
        try
        {
            await SidecarUnderLoad.UntilAsync(http, new Uri($"http://127.0.0.1:{ports[0]}/hello"), cancellationToken);
            var process = Child.Start("Gateway", Settings(ports));
            try
            {
                await SidecarUnderLoad.UntilAsync(http, new Uri($"http://127.0.0.1:{ports[1]}/healthz/ready"), cancellationToken);
                return new GatewayUnderLoad(upstream, process, ports[1], ports[2]);
            }
            catch
            {
                process.Dispose();
                throw;
            }
        }
        catch
        {
            upstream.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Dispose();
        _upstream.Dispose();
        _http.Dispose();
    }

    private static Dictionary<string, string> Settings(int[] ports) => new()
    {
        // Listens on 127.0.0.1 alone.
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["Logging__LogLevel__Default"] = "Warning",
        ["APP_API_TOKEN"] = Token,
        ["APP_PORT"] = Text(ports[1]),
        ["DAPR_HTTP_ENDPOINT"] = $"http://127.0.0.1:{ports[0]}",
        ["Gateway__ExtAuthz__Port"] = Text(ports[2]),
        ["Identity__Jwks"] = TestTokens.Jwks,
        // Nobody tells of revocations here; without that they would be read every second.
        ["Identity__Revocations__RereadInterval"] = "00:05:00",
        ["Identity__Revocations__UnknownAfter"] = "01:00:00",
        // Both routes name a limit that counts no GET: one counts by address without a token, by user with it, which would be compared too.
        ["Gateway__Routes__open__Limits__0"] = "sign-in",
        ["Gateway__Routes__checked__Limits__0"] = "sign-in",
        ["Gateway__Routes__open__Path"] = "/open",
        ["Gateway__Routes__open__App"] = "load",
        ["Gateway__Routes__open__Public"] = "true",
        ["Gateway__Routes__open__RewriteFrom"] = "/open",
        ["Gateway__Routes__open__RewriteTo"] = "/hello",
        ["Gateway__Routes__checked__Path"] = "/checked",
        ["Gateway__Routes__checked__App"] = "load",
        ["Gateway__Routes__checked__RewriteFrom"] = "/checked",
        ["Gateway__Routes__checked__RewriteTo"] = "/hello",
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
