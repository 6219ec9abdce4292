namespace Sidecar.Redis;

/// <summary>
/// How to reach a server, and the limits of a client. The names of Dapr's component metadata are given where there is one.
/// A change of password, certificate or address is a new client.
/// </summary>
public sealed record RedisOptions
{
    /// <summary>Name or address of the server (<c>redisHost</c>).</summary>
    public required string Host { get; init; }

    /// <summary>Port (<c>redisPort</c>), 6379 by default.</summary>
    public int Port { get; init; } = 6379;

    /// <summary>ACL user (<c>redisUsername</c>); without one a password is that of the user <c>default</c>.</summary>
    public string? Username { get; init; }

    /// <summary>Password (<c>redisPassword</c>); none by default. Never part of a message or of <see cref="ToString"/>.</summary>
    public string? Password { get; init; }

    /// <summary>Index of the logical database (<c>redisDB</c>), 0 by default.</summary>
    public int Database { get; init; }

    /// <summary>TLS from the first byte (<c>enableTLS</c>), off by default.</summary>
    public bool Tls { get; init; }

    /// <summary>Accepts any certificate of the server (<c>insecureSkipTLSVerify</c>), off by default; for tests only.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>Authorities that may have signed the server's certificate, PEM; by default those of the machine.</summary>
    public string? CaCertificate { get; init; }

    /// <summary>Certificate of this client (<c>clientCert</c>), PEM; none by default.</summary>
    public string? ClientCertificate { get; init; }

    /// <summary>Key of <see cref="ClientCertificate"/> (<c>clientKey</c>), PEM.</summary>
    public string? ClientKey { get; init; }

    /// <summary>Name of the connection in <c>CLIENT LIST</c>, without spaces; <c>tandem</c> by default.</summary>
    public string ClientName { get; init; } = "tandem";

    /// <summary>
    /// Time for a whole connection: address, TCP, TLS, <c>HELLO</c>, and a server that is still loading its data
    /// (<c>dialTimeout</c>), 5 s by default.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Time from the call to the reply, waiting for a connection included (<c>readTimeout</c>), 3 s by default; looked at ten times
    /// a second. A connection on which a reply is overdue and nothing else came either is closed and replaced.
    /// <see cref="Timeout.InfiniteTimeSpan"/> is none: then nothing notices a server that hangs.
    /// </summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Shortest wait before a connection is tried again (<c>redisMinRetryInterval</c>), 8 ms by default.</summary>
    public TimeSpan MinReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(8);

    /// <summary>Longest wait before a connection is tried again (<c>redisMaxRetryInterval</c>), 512 ms by default.</summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(512);

    /// <summary>A connection that received nothing for this long is asked with a PING, 10 s by default; a dead one is noticed even when only subscribed.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Calls that may be queued or in flight (a pipeline is one); further ones wait. 10,000 by default.</summary>
    public int MaxInFlight { get; init; } = 10_000;

    /// <summary>Bytes that may wait to be written before further calls wait, 16 MiB by default; one larger command still passes.</summary>
    public int MaxUnsentBytes { get; init; } = 16 << 20;

    /// <summary>Messages that one subscription may have waiting for its handler, 10,000 by default; beyond it they are dropped as a gap.</summary>
    public int MaxQueuedMessages { get; init; } = 10_000;

    /// <summary>Address for messages, without secrets.</summary>
    public override string ToString() => $"redis at {Host}:{Port}";
}
