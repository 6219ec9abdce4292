using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using FakeModelServer;
using Imaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ScanClient;

// A run may build, and is measured.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Platform.Tests;

/// <summary>
/// The whole platform as a person starts it: <c>./daprw run -f dapr.yaml</c> with its own data directory and ports, mostly in front of a fake
/// model server in this process.
/// </summary>
public sealed class PlatformRun : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    /// <summary>The first run of this process builds, which takes seconds even where nothing has changed.</summary>
    private static volatile bool _built;

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("tandem platform");
    private readonly WebApplication _models = FakeModelHost.Build(["--urls", "http://127.0.0.1:0"]);
    private readonly Queue<string> _log = [];
    private readonly Process _launcher = new();
    private readonly HashSet<int> _killed = [];

    private PlatformRun()
    {
    }

    public static string Root { get; } = FindRoot();

    /// <summary>Where the run keeps its logs and everything else.</summary>
    public string DataDirectory => _data.FullName;

    public Uri Gateway { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public FakeModel Model => _models.Services.GetRequiredService<FakeModel>();

    /// <summary>A picture of ours, so that no test needs anything from outside the repository.</summary>
    public static byte[] Picture { get; } = Render();

    public static Task<PlatformRun> StartAsync(FakeModelOptions behaviour, params string[] arguments) => StartAsync(behaviour, [], arguments);

    /// <summary>The same with more settings of its environment.</summary>
    public static Task<PlatformRun> StartAsync(FakeModelOptions behaviour, (string Name, string Value)[] settings, params string[] arguments) =>
        new PlatformRun().LaunchWithModelsAsync(behaviour, settings, arguments);

    /// <summary>The same on a component set with pictures in a bucket.</summary>
    public static Task<PlatformRun> StartAsync(
        FakeModelOptions behaviour, PictureBucket bucket, string set, (string Name, string Value)[] settings, params string[] arguments)
    {
        var run = new PlatformRun();
        return run.LaunchWithModelsAsync(behaviour, [.. bucket.Settings, .. settings], ["-c", bucket.Prepare(run.DataDirectory, set), .. arguments]);
    }

    /// <summary>The same without a model server: nothing is configured and no key is set, so the default provider answers.</summary>
    public static Task<PlatformRun> StartWithoutModelServerAsync(params string[] arguments) =>
        new PlatformRun().LaunchOrEndAsync([("OPENAI_API_KEY", "")], arguments);

    private async Task<PlatformRun> LaunchWithModelsAsync(FakeModelOptions behaviour, (string Name, string Value)[] settings, string[] arguments)
    {
        Model.Behave(behaviour);
        await _models.StartAsync();
        return await LaunchOrEndAsync([("Ai__Providers__openai__BaseUrl", _models.Urls.First() + "/v1"), .. settings], arguments);
    }

    private async Task<PlatformRun> LaunchOrEndAsync((string Name, string Value)[] settings, string[] arguments)
    {
        try
        {
            await LaunchAsync(settings, arguments);
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task<ScanUser> UserAsync(CancellationToken cancellationToken = default)
    {
        var user = new ScanUser(Http);
        await user.SignInAsync(cancellationToken);
        return user;
    }

    /// <summary>A process of the run as the launcher's state file names it.</summary>
    public JsonElement Find(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(_data.FullName, "run", "state.json"))).RootElement
        .GetProperty("processes").EnumerateArray().Single(process => process.GetProperty("name").GetString() == name);

    /// <summary>The secret file that the launcher wrote for the sidecar.</summary>
    public JsonElement SidecarInstance(string appId) => JsonDocument.Parse(File.ReadAllText(Path.Combine(_data.FullName, "run", "sidecar.json"))).RootElement
        .GetProperty("instances").EnumerateArray().First(instance => instance.GetProperty("app_id").GetString() == appId);

    /// <summary>Where a replica of an app listens itself.</summary>
    public Uri AddressOf(string appId, int replica) => new($"http://127.0.0.1:{JsonDocument.Parse(File.ReadAllText(Path.Combine(_data.FullName, "run", "sidecar.json"))).RootElement
        .GetProperty("instances").EnumerateArray().Where(instance => instance.GetProperty("app_id").GetString() == appId).ElementAt(replica).GetProperty("app_port").GetInt32()}");

    /// <summary>A state document of an app, read through its own sidecar; null when there is none.</summary>
    public async Task<JsonElement?> StateAsync(string appId, string key, CancellationToken cancellationToken, string store = "statestore")
    {
        var instance = SidecarInstance(appId);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"http://127.0.0.1:{instance.GetProperty("http_port").GetInt32()}/v1.0/state/{store}/{Uri.EscapeDataString(key)}");
        request.Headers.Add("dapr-api-token", instance.GetProperty("api_token").GetString());
        using var response = await Http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return response.StatusCode == HttpStatusCode.NoContent ? null : await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    /// <summary>Writes a state document of an app through its own sidecar; null deletes it.</summary>
    public async Task SetStateAsync(string appId, string key, object? value, CancellationToken cancellationToken)
    {
        var instance = SidecarInstance(appId);
        var address = $"http://127.0.0.1:{instance.GetProperty("http_port").GetInt32()}/v1.0/state/statestore";
        using var request = value is null
            ? new HttpRequestMessage(HttpMethod.Delete, $"{address}/{Uri.EscapeDataString(key)}")
            : new HttpRequestMessage(HttpMethod.Post, address) { Content = JsonContent.Create(new[] { new { key, value } }) };
        request.Headers.Add("dapr-api-token", instance.GetProperty("api_token").GetString());
        using var response = await Http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Waits until a process that was killed before has its successor, then kills it with -9.</summary>
    public async Task KillAsync(string name, CancellationToken cancellationToken)
    {
        while (!TryKill(name))
        {
            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>Sends a signal such as STOP or CONT.</summary>
    public async Task SignalAsync(string name, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", Pid(name).ToString()]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>A graceful restart of one process, as an operator asks for it.</summary>
    public async Task RestartAsync(string name)
    {
        await VerbAsync("restart", name);
        await WaitReadyAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>What a verb about the run printed; it must go well.</summary>
    public async Task<string> VerbAsync(params string[] arguments)
    {
        using var verb = Process.Start(new ProcessStartInfo(Path.Combine(Root, "daprw"), [.. arguments, "--data-dir", _data.FullName])
        {
            WorkingDirectory = Root, RedirectStandardOutput = true,
        })!;
        var output = await verb.StandardOutput.ReadToEndAsync();
        await verb.WaitForExitAsync();
        Assert.Equal(0, verb.ExitCode);
        return output.Trim();
    }

    /// <summary>Returns when every required app is ready.</summary>
    public async Task WaitReadyAsync(TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        while (true)
        {
            try
            {
                using var response = await Http.GetAsync("/readyz", timeout.Token);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // The gateway does not listen yet.
            }

            if (_launcher.HasExited)
            {
                throw new InvalidOperationException($"the launcher ended with {_launcher.ExitCode}\n{LastLines}");
            }

            try
            {
                await Task.Delay(100, timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"not ready within {limit}\n{LastLines}");
            }
        }
    }

    public string LastLines
    {
        get
        {
            lock (_log)
            {
                return string.Join('\n', _log);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_launcher.StartInfo.FileName.Length > 0 && !_launcher.HasExited)
            {
                using (Process.Start("kill", ["-TERM", _launcher.Id.ToString()]))
                {
                }

                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40));
                await _launcher.WaitForExitAsync(limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            _launcher.Kill();
        }

        Http?.Dispose();
        await _models.DisposeAsync();
        await DeleteDataAsync();
    }

    /// <summary>What a killed launcher leaves behind is ended by its guard a moment later, and writes until then.</summary>
    private async Task DeleteDataAsync()
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                _data.Delete(recursive: true);
                return;
            }
            catch (IOException) when (tries < 50)
            {
                await Task.Delay(200);
            }
        }
    }

    private int Pid(string name) => Find(name).GetProperty("pid").GetInt32();

    private bool TryKill(string name)
    {
        // There is none between a death and the restart.
        if (!Find(name).TryGetProperty("pid", out var id) || !_killed.Add(id.GetInt32()))
        {
            return false;
        }

        Process.GetProcessById(id.GetInt32()).Kill();
        return true;
    }

    private async Task LaunchAsync((string Name, string Value)[] settings, string[] arguments)
    {
        var port = FreePort();
        Gateway = new Uri($"http://127.0.0.1:{port}");
        Http = ScanUser.CreateHttpClient(Gateway);
        _launcher.StartInfo = new ProcessStartInfo(
            Path.Combine(Root, "daprw"), ["run", "-f", "dapr.yaml", "--data-dir", _data.FullName, "--gateway-port", port.ToString(), .. _built ? (string[])["--no-build"] : [], .. arguments])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                // Nothing listens there: traffic of the platform stays on this machine, whatever proxy is configured.
                ["http_proxy"] = "http://127.0.0.1:9",
                ["https_proxy"] = "http://127.0.0.1:9",
                ["NO_PROXY"] = null,
                ["no_proxy"] = null,
                // One replica of most apps, on a machine that may be busy: there a restart can take longer than the gateway waits by default.
                ["Gateway__RestartGrace"] = "00:00:30",
                ["OAuth__PublicUrl"] = Gateway.GetLeftPart(UriPartial.Authority),
                ["Ai__Calls__RetryDelay"] = "00:00:00.050",
                // What a stage does about a model that fails is seen only where the embedded one does not answer in its place.
                ["Ai__FallbackByDefault"] = "false",
                ["ScanWorker__StageRetryDelay"] = "00:00:00.200",
            },
        };
        foreach (var (name, value) in settings)
        {
            _launcher.StartInfo.Environment[name] = value;
        }

        _launcher.OutputDataReceived += (_, line) => Keep(line.Data);
        _launcher.ErrorDataReceived += (_, line) => Keep(line.Data);
        _launcher.Start();
        _launcher.BeginOutputReadLine();
        _launcher.BeginErrorReadLine();
        await WaitReadyAsync(StartLimit);
        _built = true;
    }

    private void Keep(string? line)
    {
        lock (_log)
        {
            _log.Enqueue(line ?? "");
            if (_log.Count > 120)
            {
                _log.Dequeue();
            }
        }
    }

    private static byte[] Render()
    {
        var bitmap = new Bitmap(96, 64);
        for (var y = 0; y < bitmap.Height; y++)
        {
            var row = bitmap.Row(y);
            for (var x = 0; x < row.Length; x++)
            {
                row[x] = (byte)(x * 3 + y * 5);
            }
        }

        return PngEncoder.Encode(bitmap);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "dapr.yaml")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("dapr.yaml was not found above the test program");
    }
}
