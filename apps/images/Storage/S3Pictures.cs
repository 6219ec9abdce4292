using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>
/// A bucket. Clients upload to signed addresses below <see cref="S3Options.UploadPrefix"/>: each takes exactly the file that was announced, by its length,
/// type and checksum, and takes it once. Pictures lie under their keys, where component <c>objects</c> finds them.
/// </summary>
internal sealed class S3Pictures(S3Connection connection, IOptions<ImagesOptions> options) : IPictureStorage
{
    private const string ChecksumHeader = "x-amz-checksum-sha256";

    private readonly S3Options _options = options.Value.S3;

    public bool NeedsAnnouncement => true;

    public Task<UploadAddress> AddressAsync(UploadTicket ticket, CancellationToken cancellationToken) => connection.CallAsync(
        async (client, _) =>
        {
            var request = new GetPreSignedUrlRequest
            {
                BucketName = _options.Bucket,
                Key = Quarantined(ticket.Key),
                Verb = HttpVerb.PUT,
                // The clock that the client signs with, corrected by what the server has said about its own.
                Expires = Amazon.Util.AWSSDKUtils.CorrectedUtcNow + options.Value.TicketLifetime,
                Protocol = client.Config.UseHttp ? Protocol.HTTP : Protocol.HTTPS,
                ContentType = ticket.ContentType,
            };
            var checksum = Convert.ToBase64String(Convert.FromHexString(ticket.Sha256!));
            request.Headers.ContentLength = ticket.Length!.Value;
            request.Headers[ChecksumHeader] = checksum;
            var headers = new Dictionary<string, string>
            {
                ["Content-Type"] = ticket.ContentType, ["Content-Length"] = ticket.Length.Value.ToString("D"), [ChecksumHeader] = checksum,
            };
            if (_options.WriteOnce)
            {
                request.Headers["If-None-Match"] = "*";
                headers["If-None-Match"] = "*";
            }

            return new UploadAddress(new Uri(await client.GetPreSignedURLAsync(request)), headers);
        },
        cancellationToken);

    public async Task<bool> HasUploadsAsync(string key, CancellationToken cancellationToken) => await HeadAsync(key, cancellationToken) is not null;

    public async Task<UploadedFile?> OpenUploadAsync(string key, string sha256, CancellationToken cancellationToken)
    {
        // What the server keeps of the checksum saves reading another file; where it keeps none, the bytes decide.
        if (await HeadAsync(key, cancellationToken) is not { } head
            || head.ChecksumSHA256 is { Length: > 0 } checksum && checksum != Convert.ToBase64String(Convert.FromHexString(sha256)))
        {
            return null;
        }

        return await OpenReadAsync(Quarantined(key), cancellationToken) is { } content ? new UploadedFile(content, head.ContentLength, head.Headers.ContentType) : null;
    }

    public Task DeleteUploadsAsync(string key, CancellationToken cancellationToken) => DeleteAsync(Quarantined(key), cancellationToken);

    public Task WriteAsync(string key, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => connection.CallAsync(
        (client, token) => client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = _options.Bucket,
                Key = key,
                ContentType = contentType,
                InputStream = new MemoryStream(content.ToArray(), writable: false),
                // The signed chunks that are the default end up inside the object on servers that do not know them.
                UseChunkEncoding = false,
            },
            token),
        cancellationToken);

    public async Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.CallAsync(
                async (client, token) => (await client.GetObjectAsync(new GetObjectRequest { BucketName = _options.Bucket, Key = key }, token)).ResponseStream,
                cancellationToken);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => connection.CallAsync(
        (client, token) => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _options.Bucket, Key = key }, token), cancellationToken);

    /// <summary>Nothing lies here that no record knows of.</summary>
    public int Sweep() => 0;

    private async Task<GetObjectMetadataResponse?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.CallAsync(
                (client, token) => client.GetObjectMetadataAsync(
                    new GetObjectMetadataRequest { BucketName = _options.Bucket, Key = Quarantined(key), ChecksumMode = ChecksumMode.ENABLED }, token),
                cancellationToken);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private string Quarantined(string key) => _options.UploadPrefix + key;
}
