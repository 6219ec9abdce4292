using Amazon.S3.Model;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>The list operation: ListObjects, its answer with the names that Dapr's component gives it.</summary>
internal sealed partial class S3Binding
{
    private const int DefaultMaxResults = 1000;

    private async Task<BindingResponse> ListAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var wanted = JsonForm.Read<ListRequest>(request);
        var page = await CallAsync(
            token => _client.ListObjectsAsync(
                new ListObjectsRequest
                {
                    BucketName = _settings.Bucket,
                    MaxKeys = wanted.MaxResults < 1 ? DefaultMaxResults : wanted.MaxResults,
                    Marker = wanted.Marker,
                    Prefix = wanted.Prefix,
                    Delimiter = wanted.Delimiter,
                },
                token),
            cancellationToken);
        return Json(new
        {
            CommonPrefixes = page.CommonPrefixes?.Select(prefix => new { Prefix = prefix }),
            Contents = (page.S3Objects ?? []).Select(found => new
            {
                found.Key,
                found.LastModified,
                found.ETag,
                found.Size,
                StorageClass = found.StorageClass?.Value,
                Owner = found.Owner is { } owner ? new { owner.DisplayName, ID = owner.Id } : null,
            }),
            page.Delimiter,
            IsTruncated = page.IsTruncated ?? false,
            wanted.Marker,
            page.MaxKeys,
            page.Name,
            page.NextMarker,
            page.Prefix,
        });
    }

    private sealed record ListRequest(string? Marker, string? Prefix, string? Delimiter, int MaxResults);
}
