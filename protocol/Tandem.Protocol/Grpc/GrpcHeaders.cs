namespace Tandem.Protocol.Grpc;

/// <summary>Names and limits of the gRPC mapping onto HTTP/2.</summary>
internal static class GrpcHeaders
{
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string ApiToken = "dapr-api-token";

    public const string ContentType = "application/grpc";
    public const string Identity = "identity";

    /// <summary>What both ends accept by default in one message: 4 MiB, the default of the whole gRPC family.</summary>
    public const int DefaultMaxMessageBytes = 4 * 1024 * 1024;

    /// <summary>True for <c>application/grpc</c>, alone or with <c>+proto</c> or a parameter.</summary>
    public static bool IsGrpcContentType(string? value) =>
        value is not null
        && value.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (value.Length == ContentType.Length
            || value[ContentType.Length] == ';'
            || value.AsSpan(ContentType.Length).StartsWith("+proto", StringComparison.OrdinalIgnoreCase));
}
