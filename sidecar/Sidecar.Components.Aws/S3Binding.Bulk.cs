using System.Text;
using System.Text.Json.Serialization;
using Amazon.S3;
using Amazon.S3.Model;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>The bulk operations: each item succeeds or fails for itself, in the order of the request.</summary>
internal sealed partial class S3Binding
{
    private const int DefaultConcurrency = 10;

    /// <summary>S3 takes no more keys in one DeleteObjects.</summary>
    private const int DeleteBatch = 1000;

    private Task<BindingResponse> BulkGetAsync(BindingRequest request, S3Settings settings, CancellationToken cancellationToken) =>
        EachAsync<GetItem>(request, item => item.Key, async (item, token) =>
        {
            // The folder is asked before the server: a refused name costs no download.
            var file = item.FilePath is { } name ? settings.FileOf(name) : null;
            var content = await ReadAsync(item.Key!, token);
            var bytes = settings.EncodeBase64 ? Encoding.ASCII.GetBytes(Convert.ToBase64String(content.Span)) : content;
            if (file is null)
            {
                return new Result(item.Key, Data: Encoding.UTF8.GetString(bytes.Span));
            }

            await SaveAsync(file, bytes, token);
            return new Result(item.Key);
        }, cancellationToken);

    private Task<BindingResponse> BulkCreateAsync(BindingRequest request, S3Settings settings, CancellationToken cancellationToken) =>
        EachAsync<CreateItem>(request, item => item.Key, async (item, token) =>
        {
            await using var content = item.FilePath is { } name ? ObjectContent.Open(settings.FileOf(name))
                : item.Data is { } data ? ObjectContent.From(Encoding.UTF8.GetBytes(data))
                : throw new BindingException("either data or filePath is required");
            await PutAsync(new PutObjectRequest { Key = item.Key, ContentType = item.ContentType }, content, settings.DecodeBase64, token);
            return new Result(item.Key, Location: Location(item.Key!));
        }, cancellationToken);

    private async Task<BindingResponse> BulkDeleteAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var keys = JsonForm.Read<DeleteRequest>(request).Keys is { Count: > 0 } given ? given : throw new BindingException("bulkDelete requires at least one key");
        var failures = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var batch in keys.Where(key => !string.IsNullOrWhiteSpace(key)).Distinct(StringComparer.Ordinal).Chunk(DeleteBatch))
        {
            try
            {
                await CallAsync(
                    token => _client.DeleteObjectsAsync(
                        new DeleteObjectsRequest { BucketName = _settings.Bucket, Objects = [.. batch.Select(key => new KeyVersion { Key = key })] }, token),
                    cancellationToken);
            }
            catch (BindingException exception) when (exception.InnerException is DeleteObjectsException { Response: { } partial })
            {
                foreach (var error in partial.DeleteErrors)
                {
                    failures[error.Key] = $"{error.Code}: {error.Message}";
                }
            }
            catch (BindingException exception)
            {
                foreach (var key in batch)
                {
                    failures[key] = exception.Message;
                }
            }
        }

        return Json(keys.Select(key => new Result(key, Error: string.IsNullOrWhiteSpace(key) ? "key is required" : failures.GetValueOrDefault(key))));
    }

    private static async Task<BindingResponse> EachAsync<T>(
        BindingRequest request, Func<T, string?> key, Func<T, CancellationToken, Task<Result>> handle, CancellationToken cancellationToken)
    {
        var bulk = JsonForm.Read<BulkRequest<T>>(request);
        var items = bulk.Items is { Count: > 0 } given ? given : throw new BindingException($"{request.Operation} requires at least one item");
        var concurrency = bulk.Concurrency ?? DefaultConcurrency;
        if (concurrency <= 0)
        {
            throw new BindingException($"concurrency must be greater than 0, got {concurrency}");
        }

        var results = new Result[items.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, items.Count, options, async (index, token) =>
        {
            var name = items[index] is { } item ? key(item) : null;
            try
            {
                results[index] = string.IsNullOrEmpty(name) ? new Result("", Error: "key is required") : await handle(items[index], token);
            }
            catch (BindingException exception)
            {
                results[index] = new Result(name, Error: exception.Message);
            }
        });
        return Json(results);
    }

    /// <summary>The file appears whole: it is written aside and renamed.</summary>
    private static async Task SaveAsync(string file, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(temporary, bytes, cancellationToken);
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BindingException($"filePath cannot be written: {exception.Message}", innerException: exception);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private sealed record BulkRequest<T>(IReadOnlyList<T>? Items, int? Concurrency);

    private sealed record GetItem(string? Key, string? FilePath);

    private sealed record CreateItem(string? Key, string? Data, string? ContentType, string? FilePath);

    private sealed record DeleteRequest(IReadOnlyList<string>? Keys);

    private sealed record Result(
        [property: JsonPropertyName("key")] string? Key,
        [property: JsonPropertyName("data"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Data = null,
        [property: JsonPropertyName("location"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Location = null,
        [property: JsonPropertyName("error"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error = null);
}
