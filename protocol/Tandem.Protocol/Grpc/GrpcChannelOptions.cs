namespace Tandem.Protocol.Grpc;

/// <summary>How a <see cref="GrpcChannel"/> connects and what it sends with every call.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>Sent as <c>dapr-api-token</c> when not empty. Default: none.</summary>
    public string? Token { get; set; }

    /// <summary>Sent as <c>user-agent</c>. Default <c>tandem-grpc</c>.</summary>
    public string UserAgent { get; set; } = "tandem-grpc";

    /// <summary>Largest message accepted, in bytes; null: no limit. Default 4 MiB.</summary>
    public int? MaxReceiveMessageBytes { get; set; } = GrpcHeaders.DefaultMaxMessageBytes;

    /// <summary>Largest message sent, in bytes; null: no limit. Default: no limit, the server has its own.</summary>
    public int? MaxSendMessageBytes { get; set; }

    /// <summary>How long a connection may take to open before the call is UNAVAILABLE. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>HTTP/2 PING after this long without a frame, also while no call is open. Default 60 s.</summary>
    public TimeSpan KeepAlivePingDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A connection whose PING has no answer for this long is dropped. Default 30 s.</summary>
    public TimeSpan KeepAlivePingTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Clock of deadlines. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Replaces the socket handler and with it the connection settings above, for tests. Default: none.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }
}
