using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>
/// <c>bindings.aws.s3</c> (config §10.1): create, get, delete, list, presign and their bulk forms on one bucket of AWS or of any server that speaks its
/// protocol. As in Dapr the start asks the server nothing: what is wrong with bucket, credentials or endpoint is said by each operation.
/// </summary>
internal sealed partial class S3Binding(ComponentContext context) : IOutputBinding
{
    private const string Bytes = "application/octet-stream";
    private const int MaxBelievedLength = 4 * 1024 * 1024;

    private S3Settings _settings = null!;
    private AmazonS3Client _client = null!;

    public IReadOnlyList<string> Operations { get; } = ["create", "get", "delete", "list", "presign", "bulkGet", "bulkCreate", "bulkDelete"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _settings = S3Settings.Read(context);
        _client = S3Client.Create(_settings);
        return Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var settings = _settings.With(request.Metadata);
        return request.Operation switch
        {
            "create" => await CreateAsync(request, settings, cancellationToken),
            "get" => await GetAsync(Key(request), settings, cancellationToken),
            "delete" => await DeleteAsync(Key(request), cancellationToken),
            "list" => await ListAsync(request, cancellationToken),
            "presign" => Json(new { presignURL = await PresignAsync(Key(request), settings, cancellationToken) }),
            "bulkGet" => await BulkGetAsync(request, settings, cancellationToken),
            "bulkCreate" => await BulkCreateAsync(request, settings, cancellationToken),
            _ => await BulkDeleteAsync(request, cancellationToken),
        };
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<BindingResponse> CreateAsync(BindingRequest request, S3Settings settings, CancellationToken cancellationToken)
    {
        var key = request.Metadata["key"] is { Length: > 0 } given ? given : Guid.NewGuid().ToString();
        await using var content = settings.FilePath is { } file ? ObjectContent.Open(file) : ObjectContent.From(request.Content());
        var put = new PutObjectRequest { Key = key, ContentType = request.Metadata["Content-Type"]?.Trim(), TagSet = ObjectTags.Parse(request.Metadata["tags"]) };
        if (settings.StorageClass is { } storageClass)
        {
            put.StorageClass = S3StorageClass.FindValue(storageClass);
        }

        var answer = await PutAsync(put, content, settings.DecodeBase64, cancellationToken);
        var data = new Dictionary<string, string?> { ["location"] = Location(key), ["versionID"] = answer.VersionId };
        if (settings.PresignTtl is not null)
        {
            data["presignURL"] = await PresignAsync(key, settings, cancellationToken);
        }

        return Json(data) with { Metadata = new ComponentMetadata([new("key", key)]) };
    }

    private async Task<PutObjectResponse> PutAsync(PutObjectRequest put, ObjectContent content, bool decodeBase64, CancellationToken cancellationToken)
    {
        put.BucketName = _settings.Bucket;
        put.InputStream = decodeBase64 ? await content.DecodeAsync(cancellationToken) : content.Stream;
        put.AutoCloseStream = false;
        // The signed chunks that are the default end up inside the object on servers that do not know them.
        put.UseChunkEncoding = false;
        return await CallAsync(token => _client.PutObjectAsync(put, token), cancellationToken);
    }

    private async Task<BindingResponse> GetAsync(string key, S3Settings settings, CancellationToken cancellationToken)
    {
        var content = await ReadAsync(key, cancellationToken);
        return settings.EncodeBase64
            ? new BindingResponse(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(content.Span)), ComponentMetadata.Empty, "text/plain")
            : new BindingResponse(content, ComponentMetadata.Empty, Bytes);
    }

    private Task<ReadOnlyMemory<byte>> ReadAsync(string key, CancellationToken cancellationToken) => CallAsync<ReadOnlyMemory<byte>>(async token =>
    {
        using var answer = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _settings.Bucket, Key = key }, token);
        // What the server says of the length is believed up to here; beyond, the buffer grows with what really comes.
        var content = new MemoryStream((int)Math.Clamp(answer.ContentLength, 0, MaxBelievedLength));
        await answer.ResponseStream.CopyToAsync(content, token);
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }, cancellationToken);

    private async Task<BindingResponse> DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await CallAsync(token => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _settings.Bucket, Key = key }, token), cancellationToken);
        return BindingResponse.Empty;
    }

    /// <summary>A signed address of GET, the only one that Dapr gives. It is made here; the server is not asked.</summary>
    private async Task<string> PresignAsync(string key, S3Settings settings, CancellationToken cancellationToken)
    {
        var ttl = settings.PresignTtl ?? throw new BindingException("required metadata 'presignTTL' missing");
        return await CallAsync(
            _ => _client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
            {
                BucketName = _settings.Bucket,
                Key = key,
                Verb = HttpVerb.GET,
                Expires = Now + ttl,
                Protocol = _client.Config.UseHttp ? Protocol.HTTP : Protocol.HTTPS,
            }),
            cancellationToken);
    }

    /// <summary>The clock that the client signs with, corrected by what a server has said about its own.</summary>
    private static DateTime Now => Amazon.Util.AWSSDKUtils.CorrectedUtcNow;

    /// <summary>The object's address: below the endpoint, or where AWS has it.</summary>
    private string Location(string key)
    {
        var path = string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
        return _settings.Endpoint is { } endpoint ? $"{endpoint.ToString().TrimEnd('/')}/{_settings.Bucket}/{path}"
            : _settings.ForcePathStyle ? $"https://s3.amazonaws.com/{_settings.Bucket}/{path}"
            : $"https://{_settings.Bucket}.s3.amazonaws.com/{path}";
    }

    /// <summary>A call of the server within the time limit; what fails is said in a sentence.</summary>
    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_settings.Timeout);
        try
        {
            return await call(limit.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is not BindingException)
        {
            throw S3Failure.Of(exception, _settings, limit.IsCancellationRequested);
        }
    }

    private static string Key(BindingRequest request) =>
        request.Metadata["key"] is { Length: > 0 } key ? key : throw new BindingException("required metadata 'key' missing");

    private static BindingResponse Json<T>(T value) => new(JsonSerializer.SerializeToUtf8Bytes(value, JsonForm.Options), ComponentMetadata.Empty);
}
