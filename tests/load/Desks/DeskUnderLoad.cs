using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Load.Sidecars;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ServiceDefaults;
using TestKit;

namespace Load.Desks;

/// <summary>A desk process behind its sidecar process, and a server of pictures in this one, which never sends the same bytes twice: desk judges those once a day.</summary>
internal sealed class DeskUnderLoad : IAsyncDisposable
{
    private const string Token = "token-of-the-benchmark";

    private readonly HttpClient _http;
    private readonly WebApplication _pictures;
    private readonly SidecarUnderLoad _sidecar;
    private readonly Child _desk;
    private readonly TempDirectory _folder;
    private long _sent;

    private DeskUnderLoad(HttpClient http, WebApplication pictures, SidecarUnderLoad sidecar, Child desk, TempDirectory folder) =>
        (_http, _pictures, _sidecar, _desk, _folder) = (http, pictures, sidecar, desk, folder);

    /// <summary>What the server sends: a JPEG.</summary>
    public byte[] Picture { get; set; } = [];

    /// <summary>Desk's resident memory.</summary>
    public long ResidentBytes => _desk.ResidentBytes;

    /// <summary>Its peak since <see cref="ForgetPeak"/>.</summary>
    public long PeakBytes => _desk.PeakBytes;

    /// <summary>Its processor time so far.</summary>
    public TimeSpan ProcessorTime => _desk.ProcessorTime;

    /// <summary>Starts everything and waits until desk is ready.</summary>
    public static async Task<DeskUnderLoad> StartAsync(bool serverGc, CancellationToken cancellationToken)
    {
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        var folder = new TempDirectory();
        var port = SidecarUnderLoad.FreePorts(1)[0];
        http.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        http.DefaultRequestHeaders.Add("dapr-api-token", Token);
        http.DefaultRequestHeaders.Add("dapr-caller-app-id", "gateway");
        http.DefaultRequestHeaders.Add(UserIdentity.Header, "user-of-the-benchmark");
        var sidecar = await SidecarUnderLoad.StartAsync(new DirectoryInfo(folder.Path), 1, port, tracing: false, http, cancellationToken, MeasuredComponent.Resources(MeasuredComponent.OfApps), "desk", Token);
        var desk = Child.Start("Desk", new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Logging__LogLevel__Default"] = "Warning",
            ["DOTNET_gcServer"] = serverGc ? "1" : "0",
            ["APP_API_TOKEN"] = Token,
            ["APP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["DAPR_HTTP_ENDPOINT"] = sidecar.Address.ToString(),
            ["DAPR_GRPC_ENDPOINT"] = sidecar.GrpcAddress.ToString(),
            ["GuardedFetch__LoopbackHosts__0"] = "127.0.0.1",
            ["GuardedFetch__AllowHttp"] = "true",
        });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var running = new DeskUnderLoad(http, builder.Build(), sidecar, desk, folder);
        try
        {
            running._pictures.MapGet("/photo.jpg", running.SendAsync);
            await running._pictures.StartAsync(cancellationToken);
            await SidecarUnderLoad.UntilAsync(http, new Uri(http.BaseAddress, "/healthz/ready"), cancellationToken);
            return running;
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks about a picture that desk has never seen.</summary>
    public async Task ClassifyAsync(CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync("/api/v1/desk/classify", new { initial_image_url = $"{_pictures.Urls.First()}/photo.jpg", auto_generate = false }, cancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        if (!response.IsSuccessStatusCode || answer.GetProperty("provider").GetString() != "local")
        {
            throw new InvalidOperationException($"desk answered {(int)response.StatusCode}: {answer}");
        }
    }

    /// <summary>Bytes that desk has allocated so far.</summary>
    public async Task<double> AllocatedAsync(CancellationToken cancellationToken)
    {
        const string Name = "\ndotnet_gc_heap_total_allocated_bytes_total ";
        var metrics = await _http.GetStringAsync("/metrics", cancellationToken);
        var value = metrics.AsSpan(metrics.IndexOf(Name, StringComparison.Ordinal) + Name.Length);
        return double.Parse(value[..value.IndexOf('\n')], CultureInfo.InvariantCulture);
    }

    /// <summary>The peak counts from now on.</summary>
    public void ForgetPeak() => _desk.ForgetPeak();

    public async ValueTask DisposeAsync()
    {
        _desk.Dispose();
        _sidecar.Dispose();
        await _pictures.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    /// <summary>The picture with a comment behind its first two bytes that no other has.</summary>
    private async Task SendAsync(HttpContext http)
    {
        var start = new byte[14];
        Picture.AsSpan(0, 2).CopyTo(start);
        (start[2], start[3], start[5]) = (0xFF, 0xFE, 10);
        BinaryPrimitives.WriteInt64BigEndian(start.AsSpan(6), Interlocked.Increment(ref _sent));
        http.Response.ContentType = "image/jpeg";
        http.Response.ContentLength = start.Length + Picture.Length - 2;
        await http.Response.Body.WriteAsync(start, http.RequestAborted);
        await http.Response.Body.WriteAsync(Picture.AsMemory(2), http.RequestAborted);
    }
}
