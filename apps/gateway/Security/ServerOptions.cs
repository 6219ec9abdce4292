using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gateway.Security;

/// <summary>What one client may hold of the server, section <c>Gateway:Server</c>.</summary>
public sealed class ServerOptions
{
    public const string Section = $"{GatewayOptions.Section}:Server";

    /// <summary>Time for the head of a request, from its first byte. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection may be idle between requests. Default 130 s, longer than load balancers hold theirs.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>Slowest request body, bytes per second. Default 240; slower ones end with 408.</summary>
    [Range(1, 1_000_000)]
    public double MinBodyRate { get; set; } = 240;

    /// <summary>How long a body may be slower than <see cref="MinBodyRate"/>. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01.1", "00:05:00")]
    public TimeSpan BodyGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest request line, bytes. Default 8 KiB; above it 414.</summary>
    [Range(256, 1024 * 1024)]
    public int MaxRequestLineBytes { get; set; } = 8 * 1024;

    /// <summary>Headers of a request. Default 100; above it 431.</summary>
    [Range(10, 10_000)]
    public int MaxHeaders { get; set; } = 100;

    /// <summary>All headers of a request, bytes. Default 32 KiB; above it 431.</summary>
    [Range(1024, 1024 * 1024)]
    public int MaxHeaderBytes { get; set; } = 32 * 1024;

    /// <summary>Connections at a time; more are closed at once. Default 20,000: twice the event streams that one server is made for.</summary>
    [Range(1, 10_000_000)]
    public long MaxConnections { get; set; } = 20_000;

    /// <summary>Sets the limits of the server.</summary>
    internal void Apply(KestrelServerLimits limits)
    {
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.KeepAliveTimeout = KeepAlive;
        limits.MinRequestBodyDataRate = new MinDataRate(MinBodyRate, BodyGrace);
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.MaxRequestBufferSize = Math.Max(1024 * 1024, MaxRequestLineBytes);
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxConcurrentConnections = MaxConnections;
        limits.MaxConcurrentUpgradedConnections = MaxConnections;
    }
}
