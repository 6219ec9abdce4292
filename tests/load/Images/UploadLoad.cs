using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Load.Sidecars;
using ServiceDefaults;
using TestKit;

namespace Load.Images;

/// <summary>
/// What it costs to upload straight to images: a large file, streamed to its folder, synced and hashed, beside <c>cp</c> of the same file with and without a sync, in
/// turns; and what receiving alone and hashing alone take, which no upload is faster than. Bytes and time are bounded by the options; what is uploaded begins as a JPEG
/// does and is never finished.
/// </summary>
internal sealed class UploadLoad
{
    private const string Token = "token-of-the-benchmark";
    private const string User = "user-of-the-benchmark";

    /// <summary>Rounds that are not counted: for the compiler, which needs the processor as well, and the caches.</summary>
    private const int WarmUp = 8;

    private static readonly string Components = MeasuredComponent.Resources(
    [
        .. MeasuredComponent.OfApps, new("revocations", "{type: state.in-memory, version: v1, metadata: [{name: keyPrefix, value: name}]}"),
        new("broadcast", "{type: pubsub.in-memory, version: v1, metadata: []}"),
    ]);

    public static async Task<int> RunAsync(int rounds, int megabytes, TextWriter output, CancellationToken cancellationToken)
    {
        using var folder = new TempDirectory();
        var source = Path.Combine(folder.Path, "source.jpg");
        var objects = Path.Combine(folder.Path, "objects");
        await WriteAsync(source, megabytes, cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null }) { Timeout = TimeSpan.FromMinutes(5) };
        var ports = SidecarUnderLoad.FreePorts(2);
        var (port, bare) = (ports[0], new Uri($"http://127.0.0.1:{ports[1]}"));
        using var discarding = Child.Start("Load", "app", "--port", ports[1].ToString(CultureInfo.InvariantCulture));
        http.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        using var sidecar = await SidecarUnderLoad.StartAsync(new DirectoryInfo(folder.Path), 1, port, tracing: false, http, cancellationToken, Components, "images", Token);
        using var images = Child.Start("Images", new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Logging__LogLevel__Default"] = "Error",
            ["Logging__LogLevel__Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
            ["DOTNET_gcServer"] = "0",
            ["APP_API_TOKEN"] = Token,
            ["APP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["DAPR_HTTP_ENDPOINT"] = sidecar.Address.ToString(),
            ["DAPR_GRPC_ENDPOINT"] = sidecar.GrpcAddress.ToString(),
            [TestTokens.Setting.Replace(":", "__", StringComparison.Ordinal)] = TestTokens.Jwks,
            ["Images__ObjectsPath"] = objects,
            ["Images__MaxUploadBytes"] = $"{1024L * 1024 * 1024}",
            ["Images__MaxUploadsPerTicket"] = "100",
            ["Images__MaxOpenTickets"] = "1000",
        });
        await SidecarUnderLoad.UntilAsync(http, new Uri(http.BaseAddress, "/healthz/ready"), cancellationToken);
        await SidecarUnderLoad.UntilAsync(http, new Uri(bare, "/hello"), cancellationToken);

        List<double> uploads = [], copies = [], synced = [], discarded = [], hashed = [], shares = [], syncedShares = [];
        for (var round = 1 - WarmUp; round <= rounds; round++)
        {
            if (round == 1)
            {
                images.ForgetPeak();
            }

            var copy = await CopyAsync(source, Path.Combine(folder.Path, "copy"), sync: false, cancellationToken);
            // The last one, as the last copy: a virtual machine waits for memory that it has not used for a while, which is no time of an upload.
            Directory.Delete(Path.Combine(objects, ".uploads"), recursive: true);
            var upload = await UploadAsync(http, source, cancellationToken);
            var copySynced = await CopyAsync(source, Path.Combine(folder.Path, "copy"), sync: true, cancellationToken);
            var discard = await PutAsync(http, new Uri(bare, "/discard"), source, cancellationToken);
            var hash = Hash(source);
            if (round > 0)
            {
                discarded.Add(discard);
                hashed.Add(hash);
                copies.Add(copy);
                uploads.Add(upload);
                synced.Add(copySynced);
                shares.Add(copy / upload);
                syncedShares.Add(copySynced / upload);
            }
        }

        string Rate(List<double> seconds) => string.Create(CultureInfo.InvariantCulture, $"{megabytes / Median(seconds),7:0} MB/s");
        await output.WriteLineAsync($"load average {(await File.ReadAllTextAsync("/proc/loadavg", cancellationToken)).Split(' ')[0]}; {megabytes} MB, medians of {rounds} rounds");
        await output.WriteLineAsync($"cp              {Rate(copies)}");
        await output.WriteLineAsync($"cp and sync     {Rate(synced)}");
        await output.WriteLineAsync($"upload          {Rate(uploads)}");
        await output.WriteLineAsync($"received alone  {Rate(discarded)}");
        await output.WriteLineAsync($"SHA-256 alone   {Rate(hashed)}");
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"upload / cp {Median(shares):0.00}, upload / (cp and sync) {Median(syncedShares):0.00}; peak memory of images {images.PeakBytes / 1e6:0} MB"));
        return 0;
    }

    private static async Task<double> UploadAsync(HttpClient http, string source, CancellationToken cancellationToken)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Post, "/api/v1/images/my") { Content = JsonContent.Create(new { filename = "a.jpg", content_type = "image/jpeg" }) };
        ask.Headers.Add("dapr-api-token", Token);
        ask.Headers.Add("dapr-caller-app-id", "gateway");
        ask.Headers.Add(UserIdentity.Header, User);
        using var ticket = await http.SendAsync(ask, cancellationToken);
        ticket.EnsureSuccessStatusCode();
        var key = (await ticket.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("key").GetString();
        return await PutAsync(http, new Uri($"/api/v1/images/upload/{key}", UriKind.Relative), source, cancellationToken);
    }

    private static async Task<double> PutAsync(HttpClient http, Uri address, string source, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        using var put = new HttpRequestMessage(HttpMethod.Put, address) { Content = new StreamContent(file, 256 * 1024) };
        put.Content.Headers.ContentType = new("image/jpeg");
        put.Content.Headers.ContentLength = file.Length;
        put.Headers.Authorization = new("Bearer", TestTokens.Of(User));
        var started = Stopwatch.GetTimestamp();
        using var answer = await http.SendAsync(put, cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK
            ? Stopwatch.GetElapsedTime(started).TotalSeconds
            : throw new InvalidOperationException($"{address} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
    }

    /// <summary>On one core, without the reading.</summary>
    private static double Hash(string source)
    {
        using var file = File.OpenHandle(source);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[256 * 1024];
        var time = TimeSpan.Zero;
        for (var at = 0L; RandomAccess.Read(file, block, at) is > 0 and var read; at += read)
        {
            var started = Stopwatch.GetTimestamp();
            hash.AppendData(block, 0, read);
            time += Stopwatch.GetElapsedTime(started);
        }

        return time.TotalSeconds;
    }

    private static async Task<double> CopyAsync(string source, string copy, bool sync, CancellationToken cancellationToken)
    {
        File.Delete(copy);
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start("/bin/sh", ["-c", sync ? "cp \"$0\" \"$1\" && sync \"$1\"" : "cp \"$0\" \"$1\"", source, copy]);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(started).TotalSeconds : throw new InvalidOperationException("cp failed");
    }

    /// <summary>Begins as a JPEG does and goes on with what no file system can compress.</summary>
    private static async Task WriteAsync(string path, int megabytes, CancellationToken cancellationToken)
    {
        await using var file = File.Create(path);
        var block = new byte[1_000_000];
        for (var written = 0; written < megabytes; written++)
        {
            RandomNumberGenerator.Fill(block);
            if (written == 0)
            {
                ((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF, 0xE0]).CopyTo(block);
            }

            await file.WriteAsync(block, cancellationToken);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
