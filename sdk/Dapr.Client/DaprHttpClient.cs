using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>The client over HTTP API v1.0: plumbing, publishing, bindings, secrets, health and metadata. State and locks are in their own files.</summary>
internal sealed partial class DaprHttpClient(SidecarConnection sidecar, JsonSerializerOptions json) : DaprClient
{
    private static readonly TimeSpan HealthInterval = TimeSpan.FromMilliseconds(500);

    public override JsonSerializerOptions JsonSerializerOptions => json;

    public override HttpClient CreateInvokableHttpClient(string? appId = null) => CreateInvokeHttpClient(appId, sidecar.Endpoint.ToString(), sidecar.Token);

    public override Task PublishEventAsync<TData>(string pubsubName, string topicName, TData data, CancellationToken cancellationToken = default) =>
        PublishAsync(pubsubName, topicName, JsonSerializer.SerializeToUtf8Bytes(data, json), "application/json", null, cancellationToken);

    public override Task PublishEventAsync<TData>(
        string pubsubName, string topicName, TData data, Dictionary<string, string> metadata, CancellationToken cancellationToken = default) =>
        PublishAsync(pubsubName, topicName, JsonSerializer.SerializeToUtf8Bytes(data, json), "application/json", metadata, cancellationToken);

    public override Task PublishEventAsync(string pubsubName, string topicName, CancellationToken cancellationToken = default) =>
        PublishAsync(pubsubName, topicName, default, null, null, cancellationToken);

    public override Task PublishEventAsync(
        string pubsubName, string topicName, Dictionary<string, string> metadata, CancellationToken cancellationToken = default) =>
        PublishAsync(pubsubName, topicName, default, null, metadata, cancellationToken);

    public override Task PublishByteEventAsync(
        string pubsubName, string topicName, ReadOnlyMemory<byte> data, string dataContentType = "application/json",
        Dictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        PublishAsync(pubsubName, topicName, data, dataContentType, metadata, cancellationToken);

    public override async Task<BulkPublishResponse<TValue>> BulkPublishEventAsync<TValue>(
        string pubsubName, string topicName, IReadOnlyList<TValue> events, Dictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        Check(pubsubName, nameof(pubsubName));
        Check(topicName, nameof(topicName));
        ArgumentNullException.ThrowIfNull(events);
        var entries = events.Select((data, index) => new BulkPublishEntry<TValue>(
            index.ToString(System.Globalization.CultureInfo.InvariantCulture), data, data is byte[] ? "application/octet-stream" : "application/json", metadata)).ToList();
        var body = Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var entry in entries)
            {
                writer.WriteStartObject();
                writer.WriteString("entryId", entry.EntryId);
                writer.WriteString("contentType", entry.ContentType);
                writer.WritePropertyName("event");
                JsonSerializer.Serialize(writer, entry.EventData, json);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        using var response = await SendAsync(
            HttpMethod.Post, $"/v1.0/publish/bulk/{Escape(pubsubName)}/{Escape(topicName)}{Query(metadata)}", body, "application/json", cancellationToken)
            .ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return new BulkPublishResponse<TValue>([]);
        }

        using var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        if (answer is null || !answer.RootElement.TryGetProperty("failedEntries", out var failed))
        {
            throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        }

        var byId = entries.ToDictionary(entry => entry.EntryId);
        return new BulkPublishResponse<TValue>([.. failed.EnumerateArray().Select(entry => new BulkPublishResponseFailedEntry<TValue>(
            byId[entry.GetProperty("entryId").GetString()!], entry.GetProperty("error").GetString() ?? ""))]);
    }

    public override async Task InvokeBindingAsync<TRequest>(
        string bindingName, string operation, TRequest data, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        (await BindAsync(bindingName, operation, JsonSerializer.SerializeToUtf8Bytes(data, json), metadata, cancellationToken).ConfigureAwait(false)).Dispose();

    public override async Task<TResponse> InvokeBindingAsync<TRequest, TResponse>(
        string bindingName, string operation, TRequest data, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default)
    {
        using var response = await BindAsync(bindingName, operation, JsonSerializer.SerializeToUtf8Bytes(data, json), metadata, cancellationToken).ConfigureAwait(false);
        return await DeserializeAsync<TResponse>(response, cancellationToken).ConfigureAwait(false);
    }

    public override async Task<BindingResponse> InvokeBindingAsync(BindingRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var response = await BindAsync(request.BindingName, request.Operation, request.Data, request.Metadata, cancellationToken).ConfigureAwait(false);
        const string Prefix = "metadata.";
        var metadata = response.Headers.Where(header => header.Key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(header => header.Key[Prefix.Length..], header => string.Join(",", header.Value));
        return new BindingResponse(request, await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false), metadata);
    }

    public override async Task<Dictionary<string, string>> GetSecretAsync(
        string storeName, string key, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default)
    {
        Check(storeName, nameof(storeName));
        Check(key, nameof(key));
        using var response = await CallAsync(HttpMethod.Get, $"/v1.0/secrets/{Escape(storeName)}/{Escape(key)}{Query(metadata)}", null, cancellationToken).ConfigureAwait(false);
        return await DeserializeAsync<Dictionary<string, string>?>(response, cancellationToken).ConfigureAwait(false) ?? [];
    }

    public override async Task<Dictionary<string, Dictionary<string, string>>> GetBulkSecretAsync(
        string storeName, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default)
    {
        Check(storeName, nameof(storeName));
        using var response = await CallAsync(HttpMethod.Get, $"/v1.0/secrets/{Escape(storeName)}/bulk{Query(metadata)}", null, cancellationToken).ConfigureAwait(false);
        return await DeserializeAsync<Dictionary<string, Dictionary<string, string>>?>(response, cancellationToken).ConfigureAwait(false) ?? [];
    }

    public override Task<bool> CheckHealthAsync(CancellationToken cancellationToken = default) => IsHealthyAsync("/v1.0/healthz", cancellationToken);

    public override Task<bool> CheckOutboundHealthAsync(CancellationToken cancellationToken = default) => IsHealthyAsync("/v1.0/healthz/outbound", cancellationToken);

    public override async Task WaitForSidecarAsync(CancellationToken cancellationToken = default)
    {
        while (!await CheckOutboundHealthAsync(cancellationToken).ConfigureAwait(false))
        {
            await Task.Delay(HealthInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task<DaprMetadata> GetMetadataAsync(CancellationToken cancellationToken = default)
    {
        using var response = await CallAsync(HttpMethod.Get, "/v1.0/metadata", null, cancellationToken).ConfigureAwait(false);
        using var document = await ReadAsync(response, cancellationToken).ConfigureAwait(false) ?? throw new DaprException("The sidecar's metadata is empty.");
        var root = document.RootElement;
        static IEnumerable<JsonElement> Items(JsonElement root, string name) => root.TryGetProperty(name, out var list) ? list.EnumerateArray() : [];
        return new DaprMetadata(
            root.GetProperty("id").GetString()!,
            [.. Items(root, "actors").Select(actor => new DaprActorMetadata(actor.GetProperty("type").GetString()!, actor.GetProperty("count").GetInt32()))],
            root.TryGetProperty("extended", out var extended) ? extended.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString()!) : [],
            [.. Items(root, "components").Select(component => new DaprComponentsMetadata(
                component.GetProperty("name").GetString()!, component.GetProperty("type").GetString()!, component.GetProperty("version").GetString()!,
                [.. Items(component, "capabilities").Select(capability => capability.GetString()!)]))]);
    }

    public override async Task SetMetadataAsync(string attributeName, string attributeValue, CancellationToken cancellationToken = default) =>
        (await CallAsync(HttpMethod.Put, $"/v1.0/metadata/{Escape(attributeName)}", Encoding.UTF8.GetBytes(attributeValue), cancellationToken).ConfigureAwait(false)).Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            sidecar.Dispose();
        }
    }

    private async Task PublishAsync(
        string pubsubName, string topicName, ReadOnlyMemory<byte> data, string? contentType, Dictionary<string, string>? metadata, CancellationToken cancellationToken)
    {
        Check(pubsubName, nameof(pubsubName));
        Check(topicName, nameof(topicName));
        using var response = await SendAsync(
            HttpMethod.Post, $"/v1.0/publish/{Escape(pubsubName)}/{Escape(topicName)}{Query(metadata)}", data, contentType ?? "", cancellationToken).ConfigureAwait(false);
        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
    }

    private Task<HttpResponseMessage> BindAsync(
        string bindingName, string operation, ReadOnlyMemory<byte> data, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellationToken)
    {
        Check(bindingName, nameof(bindingName));
        Check(operation, nameof(operation));
        var body = Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("operation", operation);
            if (!data.IsEmpty)
            {
                writer.WritePropertyName("data");
                writer.WriteRawValue(data.Span);
            }

            WriteMap(writer, "metadata", metadata);
            writer.WriteEndObject();
        });
        return CallAsync(HttpMethod.Post, $"/v1.0/bindings/{Escape(bindingName)}", body, cancellationToken);
    }

    private async Task<bool> IsHealthyAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await sidecar.SendAsync(HttpMethod.Get, path, null, null, null, retry: false, cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode;
        }
        catch (DaprException)
        {
            return false;
        }
    }

    /// <summary>Sends and throws on an error status.</summary>
    private async Task<HttpResponseMessage> CallAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, CancellationToken cancellationToken)
    {
        var response = await SendAsync(method, path, body, "application/json", cancellationToken).ConfigureAwait(false);
        try
        {
            await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, CancellationToken cancellationToken, Action<HttpRequestMessage>? prepare = null) =>
        sidecar.SendAsync(method, path, body, contentType, prepare, retry: true, cancellationToken);

    private static async Task ThrowOnFailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Dapr's error JSON as an exception: <c>ERR_X: message (status)</c>.</summary>
    private static async Task<DaprException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("errorCode", out var code))
            {
                var message = document.RootElement.TryGetProperty("message", out var value) ? value.GetString() : "";
                return new DaprException($"{code.GetString()}: {message} ({(int)response.StatusCode})");
            }
        }
        catch (JsonException)
        {
            // Plain text, as for a wrong token.
        }

        return new DaprException($"The sidecar answered {(int)response.StatusCode}: {(text.Length > 200 ? text[..200] : text)}");
    }

    private async Task<T> DeserializeAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        return bytes.Length == 0 ? default! : Deserialize<T>(bytes);
    }

    private T Deserialize<T>(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, json)!;
        }
        catch (JsonException exception)
        {
            throw new DaprException($"The value is not a JSON {typeof(T).Name}.", exception);
        }
    }

    private static async Task<JsonDocument?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }

    private static void WriteMap(Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string>? values)
    {
        if (values is not { Count: > 0 })
        {
            return;
        }

        writer.WriteStartObject(name);
        foreach (var (key, value) in values)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static string Query(IReadOnlyDictionary<string, string>? metadata) => metadata is not { Count: > 0 }
        ? ""
        : "?" + string.Join('&', metadata.Select(entry => $"metadata.{Uri.EscapeDataString(entry.Key)}={Uri.EscapeDataString(entry.Value)}"));

    private static string Escape(string text) => Uri.EscapeDataString(text);

    private static void Check(string text, string name) => ArgumentException.ThrowIfNullOrEmpty(text, name);
}
