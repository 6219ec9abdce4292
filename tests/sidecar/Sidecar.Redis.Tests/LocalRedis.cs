using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sidecar.Redis.Tests;

/// <summary>A private redis-server that a test may kill, stop and start again.</summary>
public sealed partial class LocalRedis : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tandem-redis-");
    private readonly string[] _arguments;
    private Process? _process;

    private LocalRedis(string[] arguments) => _arguments = arguments;

    public int Port { get; } = FreePort();

    public RedisOptions Options => new() { Host = "127.0.0.1", Port = Port };

    public static async Task<LocalRedis> StartAsync(params string[] arguments)
    {
        var server = new LocalRedis(arguments);
        await server.StartProcessAsync();
        return server;
    }

    public async Task RestartAsync()
    {
        Kill();
        await StartProcessAsync();
    }

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    public void Pause() => Assert.Equal(0, Signal(_process!.Id, 19));

    public void Resume() => Assert.Equal(0, Signal(_process!.Id, 18));

    public async ValueTask DisposeAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    public async Task StartProcessAsync()
    {
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["--bind", "127.0.0.1", "--port", $"{Port}", "--dir", _directory.FullName, "--save", "", "--appendonly", "yes", "--appendfsync", "always", .. _arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
            {
                _ = _process.StandardOutput.ReadToEndAsync();
                return;
            }
        }

        throw new InvalidOperationException("redis-server did not start");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
