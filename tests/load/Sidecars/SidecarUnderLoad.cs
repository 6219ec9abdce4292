using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Load.Sidecars;

/// <summary>
/// A sidecar process with some apps that are not there but for the first, and components <c>state</c> and <c>durable</c> (files),
/// <c>memory</c> (messages in memory).
/// </summary>
internal sealed class SidecarUnderLoad : IDisposable
{
    /// <summary>The components where none are given.</summary>
    public const string Resources = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: state}
        spec: {type: state.tandem, version: v1, metadata: [{name: actorStateStore, value: "true"}]}
        ---
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: durable}
        spec: {type: pubsub.tandem, version: v1, metadata: []}
        ---
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: memory}
        spec: {type: pubsub.in-memory, version: v1, metadata: [{name: concurrency, value: "32"}]}
        """;

    // Every call makes a span, and every span is thrown away: what the sidecar pays, without a receiver beside it.
    private const string Traced = """
        apiVersion: dapr.io/v1alpha1
        kind: Configuration
        metadata: {name: traced}
        spec: {tracing: {samplingRate: "1"}}
        """;

    private readonly Child _process;

    private SidecarUnderLoad(Child process, Uri address, Uri grpcAddress, TimeSpan ready)
    {
        _process = process;
        Address = address;
        GrpcAddress = grpcAddress;
        Ready = ready;
    }

    /// <summary>The first app's Dapr HTTP endpoint.</summary>
    public Uri Address { get; }

    /// <summary>The first app's Dapr gRPC endpoint.</summary>
    public Uri GrpcAddress { get; }

    /// <summary>Time from the start of the process to its first healthy answer.</summary>
    public TimeSpan Ready { get; }

    /// <summary>Resident memory.</summary>
    public long ResidentBytes => _process.ResidentBytes;

    /// <summary>Processor time so far.</summary>
    public TimeSpan ProcessorTime => _process.ProcessorTime;

    /// <summary>Starts it with data in a folder and waits until it answers.</summary>
    public static async Task<SidecarUnderLoad> StartAsync(
        DirectoryInfo folder, int apps, int appPort, bool tracing, HttpClient http, CancellationToken cancellationToken, string components = Resources,
        string appId = "load", string? appToken = null)
    {
        var resources = folder.CreateSubdirectory("resources");
        await File.WriteAllTextAsync(Path.Combine(resources.FullName, "components.yaml"), components, cancellationToken);
        var configuration = Path.Combine(folder.FullName, "configuration.yaml");
        await File.WriteAllTextAsync(configuration, Traced, cancellationToken);
        var ports = FreePorts((apps * 2) + apps);
        var run = Path.Combine(folder.FullName, "run.json");
        await File.WriteAllTextAsync(run, JsonSerializer.Serialize(new
        {
            data_directory = Path.Combine(folder.FullName, "data"),
            base_directory = folder.FullName,
            log_level = "error",
            instances = Enumerable.Range(0, apps).Select(index => new
            {
                app_id = index == 0 ? appId : $"idle-{index}",
                app_token = index == 0 ? appToken : null,
                app_port = index == 0 ? appPort : ports[(apps * 2) + index],
                http_port = ports[index * 2],
                grpc_port = ports[(index * 2) + 1],
                resources_paths = new[] { resources.FullName },
                config_file_path = tracing ? configuration : null,
            }),
        }), cancellationToken);
        var address = new Uri($"http://127.0.0.1:{ports[0]}");
        var started = Stopwatch.GetTimestamp();
        var process = Child.Start("Sidecar.Host", "--run", run);
        try
        {
            await UntilAsync(http, new Uri(address, "/v1.0/healthz/outbound"), cancellationToken);
            return new SidecarUnderLoad(process, address, new Uri($"http://127.0.0.1:{ports[1]}"), Stopwatch.GetElapsedTime(started));
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a healthy answer.</summary>
    public static async Task UntilAsync(HttpClient http, Uri address, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                using var response = await http.GetAsync(address, limit.Token);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(10, limit.Token);
        }
    }

    /// <summary>Ports that nobody has now.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Dispose());
        return ports;
    }

    public void Dispose() => _process.Dispose();
}
