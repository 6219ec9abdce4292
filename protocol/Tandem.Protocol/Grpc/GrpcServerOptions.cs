using Microsoft.AspNetCore.Http;

namespace Tandem.Protocol.Grpc;

/// <summary>Limits and checks of the services mapped by <see cref="GrpcEndpointExtensions.MapGrpc"/>.</summary>
public sealed class GrpcServerOptions
{
    /// <summary>Largest message accepted, in bytes; larger ones are RESOURCE_EXHAUSTED. Null: no limit. Default 4 MiB.</summary>
    public int? MaxReceiveMessageBytes { get; set; } = GrpcHeaders.DefaultMaxMessageBytes;

    /// <summary>Largest message sent, in bytes; larger ones are RESOURCE_EXHAUSTED. Null: no limit. Default 4 MiB.</summary>
    public int? MaxSendMessageBytes { get; set; } = GrpcHeaders.DefaultMaxMessageBytes;

    /// <summary>Chooses both limits by call, in place of the two above. Default: none.</summary>
    public Func<HttpContext, int?>? MaxMessageBytes { get; set; }

    /// <summary>
    /// When not empty, every call needs it in <c>dapr-api-token</c>, else it is UNAUTHENTICATED. Default: not asked for.
    /// </summary>
    public string? ApiToken { get; set; }

    /// <summary>
    /// A further check, run after the token and before the request is read; false is UNAUTHENTICATED, and a
    /// <see cref="GrpcException"/> chooses another status. Default: none.
    /// </summary>
    public Func<HttpContext, bool>? Authorize { get; set; }

    internal GrpcServerOptions For(HttpContext httpContext) => MaxMessageBytes?.Invoke(httpContext) is not { } limit
        ? this
        : new GrpcServerOptions { MaxReceiveMessageBytes = limit, MaxSendMessageBytes = limit };
}
