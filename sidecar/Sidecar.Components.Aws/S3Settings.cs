using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>The metadata of <c>bindings.aws.s3</c> (config §10.1), checked. A request overrides some of it with its own metadata.</summary>
internal sealed record S3Settings
{
    private static readonly string[] Unsupported = ["assumeRoleArn", "sessionName", "trustAnchorArn", "trustProfileArn"];

    /// <summary>S3 signs no address for longer.</summary>
    private static readonly TimeSpan LongestPresign = TimeSpan.FromDays(7);

    public required string Bucket { get; init; }

    /// <summary>Null means AWS itself.</summary>
    public required Uri? Endpoint { get; init; }

    /// <summary>Null means the region of the environment or of the AWS configuration file.</summary>
    public required string? Region { get; init; }

    public required bool ForcePathStyle { get; init; }

    public required bool DisableSsl { get; init; }

    public required bool InsecureSsl { get; init; }

    /// <summary>Null means the credentials of the environment.</summary>
    public required (string AccessKey, string SecretKey, string? SessionToken)? Credentials { get; init; }

    /// <summary>Limit of an operation with all its retries.</summary>
    public required TimeSpan Timeout { get; init; }

    public required bool DecodeBase64 { get; init; }

    public required bool EncodeBase64 { get; init; }

    public required TimeSpan? PresignTtl { get; init; }

    public required string? StorageClass { get; init; }

    /// <summary>Absolute path of the file that a create without a <c>filePath</c> of its own uploads.</summary>
    public required string? FilePath { get; init; }

    /// <summary>Where files named by requests lie; null means that requests name none.</summary>
    public required GuardedFolder? Files { get; init; }

    public static S3Settings Read(ComponentContext context)
    {
        var metadata = context.Metadata;
        if (Unsupported.FirstOrDefault(name => metadata[name] is { Length: > 0 }) is { } unsupported)
        {
            throw new ComponentException(
                $"metadata '{unsupported}' is not supported by the embedded sidecar: set accessKey and secretKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment");
        }

        var disableSsl = metadata.Bool("disableSSL", false);
        var timeout = metadata.Duration("timeout", TimeSpan.FromSeconds(60));
        return new S3Settings
        {
            Bucket = metadata.Required("bucket"),
            Endpoint = metadata["endpoint"] is { Length: > 0 } endpoint ? Address(endpoint, disableSsl) : null,
            Region = Text(metadata, "region") ?? Text(metadata, "awsRegion"),
            ForcePathStyle = metadata.Bool("forcePathStyle", false),
            DisableSsl = disableSsl,
            InsecureSsl = metadata.Bool("insecureSSL", false),
            Credentials = (Text(metadata, "accessKey"), Text(metadata, "secretKey")) switch
            {
                (null, null) => null,
                ({ } key, { } secret) => (key, secret, Text(metadata, "sessionToken")),
                _ => throw new ComponentException("metadata 'accessKey' and 'secretKey' are needed together"),
            },
            Timeout = timeout > TimeSpan.Zero ? timeout : throw new ComponentException("metadata 'timeout' must be more than zero"),
            DecodeBase64 = metadata.Bool("decodeBase64", false),
            EncodeBase64 = metadata.Bool("encodeBase64", false),
            PresignTtl = Text(metadata, "presignTTL") is { } ttl ? Ttl(ttl) ?? throw new ComponentException(WrongTtl(ttl)) : null,
            StorageClass = Text(metadata, "storageClass"),
            FilePath = Text(metadata, "filePath") is { } file ? Path.GetFullPath(Path.Combine(context.BaseDirectory, file)) : null,
            Files = Text(metadata, "rootPath") is null ? null : GuardedFolder.From(context, "rootPath"),
        };
    }

    /// <summary>What holds for one request.</summary>
    public S3Settings With(ComponentMetadata request)
    {
        try
        {
            return this with
            {
                DecodeBase64 = request.Bool("decodeBase64", DecodeBase64),
                EncodeBase64 = request.Bool("encodeBase64", EncodeBase64),
                PresignTtl = Text(request, "presignTTL") is { } ttl ? Ttl(ttl) ?? throw new BindingException(WrongTtl(ttl)) : PresignTtl,
                StorageClass = Text(request, "storageClass") ?? StorageClass,
                FilePath = Text(request, "filePath") is { } file ? FileOf(file) : FilePath,
            };
        }
        catch (ComponentException exception)
        {
            throw new BindingException(exception.Message, innerException: exception);
        }
    }

    /// <summary>The file that a request names.</summary>
    public string FileOf(string name) => Files?.Resolve(name, "filePath")
        ?? throw new BindingException("filePath is refused: the component has no 'rootPath', the folder that files of requests must lie in");

    private static Uri Address(string endpoint, bool disableSsl)
    {
        var address = endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : $"{(disableSsl ? "http" : "https")}://{endpoint}";
        return Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ComponentException($"metadata 'endpoint' is not an http(s) address: '{endpoint}'");
    }

    private static TimeSpan? Ttl(string text) =>
        GoDuration.TryParse(text, out var ttl) && ttl >= TimeSpan.FromSeconds(1) && ttl <= LongestPresign ? ttl : null;

    private static string WrongTtl(string text) => string.Create(
        CultureInfo.InvariantCulture, $"presignTTL is not a duration between 1s and {LongestPresign.TotalHours}h: '{text}' (examples: 15m, 1h)");

    private static string? Text(ComponentMetadata metadata, string name) => metadata[name] is { Length: > 0 } text ? text : null;
}
