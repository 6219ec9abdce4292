using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;

namespace Tandem.Protocol.Tests;

/// <summary>Against @grpc/grpc-js, an implementation that shares nothing with ours.</summary>
public sealed class GrpcPeerTests
{
    private const string PeerVersion = "1.14.7";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly SemaphoreSlim Gate = new(1, 1);

    [Fact]
    public async Task Its_client_talks_to_our_server()
    {
        var script = await PreparePeerAsync();
        await using var server = await GrpcTestServer.StartAsync(Echo(), new GrpcServerOptions { ApiToken = "token" });

        var lines = (await RunAsync("node", [script, "client", $"127.0.0.1:{server.Address.Port}"])).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(
            [
                """{"answer":"héllo"}""",
                """{"length":300000}""",
                """{"code":6,"details":"100 % 재활용"}""",
                """{"received":["a","b","c"]}""",
                """{"code":1}""",
            ],
            lines.Where(l => !l.Contains("\"code\":4", StringComparison.Ordinal)));
        Assert.Equal(6, lines.Length);
    }

    [Fact]
    public async Task Our_client_talks_to_its_server()
    {
        using var peer = Start("node", [await PreparePeerAsync(), "server"]);
        var ready = JsonDocument.Parse((await peer.StandardOutput.ReadLineAsync().WaitAsync(Patience))!);
        using var channel = new GrpcChannel(new Uri($"http://127.0.0.1:{ready.RootElement.GetProperty("port").GetInt32()}"));

        Assert.Equal("héllo", (await CallAsync(channel, "Say", "héllo")).Value);
        Assert.Equal(300_000, (await CallAsync(channel, "Say", new string('x', 300_000))).Value.Length);

        var failed = await Assert.ThrowsAsync<GrpcException>(() => CallAsync(channel, "Fail", "100 % 재활용"));
        Assert.Equal((GrpcStatusCode.AlreadyExists, "100 % 재활용"), (failed.StatusCode, failed.Detail));

        var missing = await Assert.ThrowsAsync<GrpcException>(() => CallAsync(channel, "Missing", ""));
        Assert.Equal(GrpcStatusCode.Unimplemented, missing.StatusCode);

        // The peer takes a falsy message, such as the empty text, for none.
        var late = await Assert.ThrowsAsync<GrpcException>(() => CallAsync(channel, "Wait", "x", DateTimeOffset.UtcNow.AddMilliseconds(200)));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, late.StatusCode);

        var letters = new List<string>();
        await foreach (var letter in channel.ServerStreamAsync("/Echo/Repeat", new StringValue { Value = "abc" }, StringValue.Parser))
        {
            letters.Add(letter.Value);
        }

        Assert.Equal(["a", "b", "c"], letters);
        peer.StandardInput.Close();
        await peer.WaitForExitAsync().WaitAsync(Patience);
    }

    private static GrpcService Echo() => new GrpcService("Echo")
        .Unary("Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(request))
        .Unary<StringValue, StringValue>("Fail", StringValue.Parser, (request, _) => throw new GrpcException(GrpcStatusCode.AlreadyExists, request.Value))
        .Unary<StringValue, StringValue>("Wait", StringValue.Parser, async (request, context) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            return request;
        })
        .ServerStreaming<StringValue, StringValue>("Repeat", StringValue.Parser, async (request, stream, context) =>
        {
            foreach (var letter in request.Value)
            {
                await stream.WriteAsync(new StringValue { Value = letter.ToString() });
            }

            if (request.Value.Length == 0)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            }
        });

    private static Task<StringValue> CallAsync(GrpcChannel channel, string method, string text, DateTimeOffset? deadline = null) =>
        channel.UnaryAsync($"/Echo/{method}", new StringValue { Value = text }, StringValue.Parser, new GrpcCallOptions { Deadline = deadline });

    /// <summary>Installs the peer once per machine beside the script, or skips the test where that is not possible.</summary>
    private static async Task<string> PreparePeerAsync()
    {
        var folder = Path.Combine(Path.GetTempPath(), "tandem-grpc-peer", PeerVersion);
        await Gate.WaitAsync();
        try
        {
            Directory.CreateDirectory(folder);
            var installed = Path.Combine(folder, "installed");
            if (!File.Exists(installed))
            {
                await RunAsync(
                    "npm",
                    ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "--prefix", folder, $"@grpc/grpc-js@{PeerVersion}"]);
                await File.WriteAllTextAsync(installed, "");
            }

            var script = Path.Combine(folder, "peer.js");
            File.Copy(Path.Combine(AppContext.BaseDirectory, "Peer", "peer.js"), script, overwrite: true);
            return script;
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or TimeoutException)
        {
            Assert.Skip($"The npm package @grpc/grpc-js cannot be had here: {exception.Message}");
            throw;
        }
        finally
        {
            Gate.Release();
        }
    }

    private static Process Start(string program, IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
    })!;

    private static async Task<string> RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Start(program, arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} failed: {await error}");
    }
}
