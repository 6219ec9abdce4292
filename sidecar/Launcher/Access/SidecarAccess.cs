using System.Globalization;
using System.Net;
using System.Text.Json;
using Launcher.Data;
using Launcher.Run;
using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;

namespace Launcher.Access;

/// <summary>
/// The sidecar of one app, for the length of a verb. Address and token come from the run's own file, which only its owner can read;
/// the token is never shown.
/// </summary>
internal sealed class SidecarAccess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);

    /// <summary>A run that is starting or stopping holds the data directory without being there to ask; so does another verb.</summary>
    private static readonly TimeSpan BusyLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly OfflineSidecar? _offline;

    private SidecarAccess(SidecarInstance instance, OfflineSidecar? offline)
    {
        _offline = offline;
        AppId = instance.AppId;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }, disposeHandler: true)
        {
            BaseAddress = Address(instance.HttpPort),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        Http.DefaultRequestHeaders.TryAddWithoutValidation("dapr-api-token", instance.ApiToken);
        Grpc = new GrpcChannel(Address(instance.GrpcPort), new GrpcChannelOptions { Token = instance.ApiToken, MaxReceiveMessageBytes = null });
    }

    public string AppId { get; }

    /// <summary>Whether nothing of the run is there but this sidecar.</summary>
    public bool IsOffline => _offline is not null;

    public HttpClient Http { get; }

    public GrpcChannel Grpc { get; }

    /// <summary>The sidecar of an app of the run in progress.</summary>
    /// <param name="data">Of the run.</param>
    /// <param name="appId">May be null when the run has one app.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellationToken">Ends the waiting for a sidecar that restarts.</param>
    public static async Task<SidecarAccess> OfRunAsync(DataDirectory data, string? appId, TimeProvider time, CancellationToken cancellationToken) =>
        RunState.Live(data) is null ? throw NothingRuns(data) : await ConnectAsync(data, appId, time, cancellationToken);

    /// <summary>Likewise; when nothing runs, a sidecar for that app alone, over the data that the last run left.</summary>
    public static async Task<SidecarAccess> OfRunOrDataAsync(DataDirectory data, string? appId, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var begin = time.GetTimestamp(); ; await Task.Delay(Interval, time, cancellationToken))
        {
            if (RunState.Live(data) is not null)
            {
                return await ConnectAsync(data, appId, time, cancellationToken);
            }

            if (RunLock.TryTake(data) is { } runLock)
            {
                var offline = await OfflineSidecar.StartAsync(runLock, data, () => Choose(ReadRun(data), appId), time, cancellationToken);
                return new SidecarAccess(offline.Instance, offline);
            }

            if (time.GetElapsedTime(begin) > BusyLimit)
            {
                throw RunLock.InUse(data);
            }
        }
    }

    public static LauncherException NothingRuns(DataDirectory data) => new($"nothing runs in {data.Root}: start it with './daprw run'");

    /// <summary>What the last run, perhaps the present one, hosts.</summary>
    public static SidecarRun ReadRun(DataDirectory data)
    {
        try
        {
            return JsonSerializer.Deserialize<SidecarRun>(File.ReadAllBytes(data.SidecarRun), SidecarRun.JsonOptions)!;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LauncherException($"nothing has run in {data.Root} yet");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Grpc.Dispose();
        if (_offline is not null)
        {
            await _offline.DisposeAsync();
        }
    }

    private static async Task<SidecarAccess> ConnectAsync(DataDirectory data, string? appId, TimeProvider time, CancellationToken cancellationToken)
    {
        var instance = Choose(ReadRun(data), appId).Instance;
        using var readiness = new Readiness(time);
        try
        {
            await readiness.SidecarAsync(instance.HttpPort, cancellationToken).WaitAsync(ReadyLimit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new LauncherException($"the sidecar of {instance.AppId} does not answer: see './daprw logs sidecar'");
        }

        return new SidecarAccess(instance, offline: null);
    }

    private static (SidecarRun Run, SidecarInstance Instance) Choose(SidecarRun run, string? appId)
    {
        var ids = run.Instances.Select(instance => instance.AppId).Distinct().ToList();
        return (appId, ids) switch
        {
            (null, [_]) => (run, run.Instances[0]),
            (null, _) => throw new LauncherException($"--app-id is needed; there are {string.Join(", ", ids)}"),
            _ => run.Instances.FirstOrDefault(instance => instance.AppId == appId) is { } found
                ? (run, found)
                : throw new LauncherException($"no app '{appId}' in the run{Nearest.Hint(appId, ids)}; there are {string.Join(", ", ids)}"),
        };
    }

    private static Uri Address(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://{IPAddress.Loopback}:{port}"));
}
