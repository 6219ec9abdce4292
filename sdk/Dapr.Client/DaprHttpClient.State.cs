using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>State and locks (dapr-http §1, §9).</summary>
internal sealed partial class DaprHttpClient
{
    public override async Task<TValue> GetStateAsync<TValue>(
        string storeName, string key, ConsistencyMode? consistencyMode = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        (await GetStateAndETagAsync<TValue>(storeName, key, consistencyMode, metadata, cancellationToken).ConfigureAwait(false)).value;

    public override async Task<(TValue value, string etag)> GetStateAndETagAsync<TValue>(
        string storeName, string key, ConsistencyMode? consistencyMode = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        Check(storeName, nameof(storeName));
        Check(key, nameof(key));
        var query = Query(metadata);
        if (consistencyMode is { } mode)
        {
            query += $"{(query.Length == 0 ? '?' : '&')}consistency={Text(mode)}";
        }

        using var response = await CallAsync(HttpMethod.Get, $"/v1.0/state/{Escape(storeName)}/{Escape(key)}{query}", null, cancellationToken).ConfigureAwait(false);
        return response.StatusCode == HttpStatusCode.NoContent
            ? (default!, "")
            : (await DeserializeAsync<TValue>(response, cancellationToken).ConfigureAwait(false), ETag(response));
    }

    public override async Task<IReadOnlyList<BulkStateItem>> GetBulkStateAsync(
        string storeName, IReadOnlyList<string> keys, int? parallelism, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        using var document = await BulkAsync(storeName, keys, parallelism, metadata, cancellationToken).ConfigureAwait(false);
        return [.. document.RootElement.EnumerateArray().Select(item => new BulkStateItem(
            item.GetProperty("key").GetString()!, item.TryGetProperty("data", out var data) ? data.GetRawText() : "", ETag(item)))];
    }

    public override async Task<IReadOnlyList<BulkStateItem<TValue>>> GetBulkStateAsync<TValue>(
        string storeName, IReadOnlyList<string> keys, int? parallelism, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        using var document = await BulkAsync(storeName, keys, parallelism, metadata, cancellationToken).ConfigureAwait(false);
        return [.. document.RootElement.EnumerateArray().Select(item => new BulkStateItem<TValue>(
            item.GetProperty("key").GetString()!, item.TryGetProperty("data", out var data) ? Deserialize<TValue>(JsonMarshal.GetRawUtf8Value(data)) : default!, ETag(item)))];
    }

    public override async Task SaveStateAsync<TValue>(
        string storeName, string key, TValue value, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        using var response = await SaveAsync<TValue>(storeName, [new(key, value, null!, stateOptions, metadata)], cancellationToken).ConfigureAwait(false);
        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task SaveBulkStateAsync<TValue>(
        string storeName, IReadOnlyList<SaveStateItem<TValue>> items, CancellationToken cancellationToken = default)
    {
        using var response = await SaveAsync(storeName, items, cancellationToken).ConfigureAwait(false);
        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task<bool> TrySaveStateAsync<TValue>(
        string storeName, string key, TValue value, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(etag);
        using var response = await SaveAsync<TValue>(storeName, [new(key, value, etag, stateOptions, metadata)], cancellationToken).ConfigureAwait(false);
        return await HeldAsync(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task DeleteStateAsync(
        string storeName, string key, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        using var response = await DeleteAsync(storeName, key, null, stateOptions, metadata, cancellationToken).ConfigureAwait(false);
        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task<bool> TryDeleteStateAsync(
        string storeName, string key, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(etag);
        using var response = await DeleteAsync(storeName, key, etag, stateOptions, metadata, cancellationToken).ConfigureAwait(false);
        return await HeldAsync(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task DeleteBulkStateAsync(string storeName, IReadOnlyList<BulkDeleteStateItem> items, CancellationToken cancellationToken = default)
    {
        foreach (var item in items)
        {
            using var response = await DeleteAsync(
                storeName, item.Key, string.IsNullOrEmpty(item.ETag) ? null : item.ETag, item.StateOptions, item.Metadata, cancellationToken).ConfigureAwait(false);
            await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task ExecuteStateTransactionAsync(
        string storeName, IReadOnlyList<StateTransactionRequest> operations, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        Check(storeName, nameof(storeName));
        ArgumentNullException.ThrowIfNull(operations);
        var body = Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("operations");
            foreach (var operation in operations)
            {
                var isDelete = operation.OperationType == StateOperationType.Delete;
                writer.WriteStartObject();
                writer.WriteString("operation", isDelete ? "delete" : "upsert");
                writer.WriteStartObject("request");
                WriteItem(writer, operation.Key, operation.ETag, operation.Options, operation.Metadata);
                if (!isDelete)
                {
                    writer.WritePropertyName("value");
                    WriteJson(writer, operation.Value is { Length: > 0 } value ? value : "null"u8);
                }

                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            WriteMap(writer, "metadata", metadata);
            writer.WriteEndObject();
        });
        (await CallAsync(HttpMethod.Post, $"/v1.0/state/{Escape(storeName)}/transaction", body, cancellationToken).ConfigureAwait(false)).Dispose();
    }

#pragma warning disable DAPR_DISTRIBUTEDLOCK // Implementing the experimental part is no use of it.
    public override async Task<TryLockResponse> Lock(
        string storeName, string resourceId, string lockOwner, int expiryInSeconds, CancellationToken cancellationToken = default)
    {
        var body = Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("resourceId", resourceId);
            writer.WriteString("lockOwner", lockOwner);
            writer.WriteNumber("expiryInSeconds", expiryInSeconds);
            writer.WriteEndObject();
        });
        using var response = await CallAsync(HttpMethod.Post, $"/v1.0-alpha1/lock/{Escape(storeName)}", body, cancellationToken).ConfigureAwait(false);
        using var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        return new TryLockResponse
        {
            Success = answer is not null && answer.RootElement.TryGetProperty("success", out var success) && success.GetBoolean(),
            ResourceId = resourceId,
            LockOwner = lockOwner,
            StoreName = storeName,
            Release = async () => await Unlock(storeName, resourceId, lockOwner, CancellationToken.None).ConfigureAwait(false),
        };
    }

    public override async Task<UnlockResponse> Unlock(string storeName, string resourceId, string lockOwner, CancellationToken cancellationToken = default)
    {
        var body = Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("resourceId", resourceId);
            writer.WriteString("lockOwner", lockOwner);
            writer.WriteEndObject();
        });
        using var response = await CallAsync(HttpMethod.Post, $"/v1.0-alpha1/unlock/{Escape(storeName)}", body, cancellationToken).ConfigureAwait(false);
        using var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        return new UnlockResponse(answer is not null && answer.RootElement.TryGetProperty("status", out var status) ? (LockStatus)status.GetInt32() : LockStatus.Success);
    }
#pragma warning restore DAPR_DISTRIBUTEDLOCK

    private Task<HttpResponseMessage> SaveAsync<TValue>(string storeName, IReadOnlyList<SaveStateItem<TValue>> items, CancellationToken cancellationToken)
    {
        Check(storeName, nameof(storeName));
        var body = Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var item in items)
            {
                Check(item.Key, "key");
                writer.WriteStartObject();
                WriteItem(writer, item.Key, item.ETag, item.StateOptions, item.Metadata);
                writer.WritePropertyName("value");
                JsonSerializer.Serialize(writer, item.Value, json);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        return SendAsync(HttpMethod.Post, $"/v1.0/state/{Escape(storeName)}", body, "application/json", cancellationToken);
    }

    private Task<HttpResponseMessage> DeleteAsync(
        string storeName, string key, string? etag, StateOptions? options, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellationToken)
    {
        Check(storeName, nameof(storeName));
        Check(key, nameof(key));
        var query = Query(metadata);
        if (options?.Concurrency is { } concurrency)
        {
            query += $"{(query.Length == 0 ? '?' : '&')}concurrency={Text(concurrency)}";
        }

        return SendAsync(
            HttpMethod.Delete, $"/v1.0/state/{Escape(storeName)}/{Escape(key)}{query}", null, null, cancellationToken,
            request =>
            {
                if (etag is not null)
                {
                    request.Headers.TryAddWithoutValidation("If-Match", etag);
                }
            });
    }

    private async Task<JsonDocument> BulkAsync(
        string storeName, IReadOnlyList<string> keys, int? parallelism, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellationToken)
    {
        Check(storeName, nameof(storeName));
        if (keys.Count == 0)
        {
            throw new ArgumentException("At least one key is needed.", nameof(keys));
        }

        var body = Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys");
            foreach (var key in keys)
            {
                writer.WriteStringValue(key);
            }

            writer.WriteEndArray();
            writer.WriteNumber("parallelism", parallelism ?? 0);
            WriteMap(writer, "metadata", metadata);
            writer.WriteEndObject();
        });
        using var response = await CallAsync(HttpMethod.Post, $"/v1.0/state/{Escape(storeName)}/bulk", body, cancellationToken).ConfigureAwait(false);
        var document = await ReadAsync(response, cancellationToken).ConfigureAwait(false) ?? throw new DaprException("The sidecar's answer is not JSON.");
        foreach (var item in document.RootElement.EnumerateArray())
        {
            // Else it would look like a key without a value.
            if (item.TryGetProperty("error", out var error) && error.GetString() is { Length: > 0 } text)
            {
                var failure = $"The value of key '{item.GetProperty("key").GetString()}' could not be read: {text}";
                document.Dispose();
                throw new DaprException(failure);
            }
        }

        return document;
    }

    /// <summary>False for a conflict (409); throws for every other failure.</summary>
    private static async Task<bool> HeldAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }

        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static void WriteItem(Utf8JsonWriter writer, string key, string? etag, StateOptions? options, IReadOnlyDictionary<string, string>? metadata)
    {
        writer.WriteString("key", key);
        if (etag is not null)
        {
            writer.WriteString("etag", etag);
        }

        WriteMap(writer, "metadata", metadata);
        if (options is { Concurrency: not null } or { Consistency: not null })
        {
            writer.WriteStartObject("options");
            if (options.Concurrency is { } concurrency)
            {
                writer.WriteString("concurrency", Text(concurrency));
            }

            if (options.Consistency is { } consistency)
            {
                writer.WriteString("consistency", Text(consistency));
            }

            writer.WriteEndObject();
        }
    }

    private static string ETag(HttpResponseMessage response) => response.Headers.NonValidated.TryGetValues("ETag", out var values) ? values.ToString() : "";

    private static string ETag(JsonElement item) => item.TryGetProperty("etag", out var etag) ? etag.GetString() ?? "" : "";

    private static string Text(ConcurrencyMode mode) => mode == ConcurrencyMode.FirstWrite ? "first-write" : "last-write";

    private static string Text(ConsistencyMode mode) => mode == ConsistencyMode.Strong ? "strong" : "eventual";
}
