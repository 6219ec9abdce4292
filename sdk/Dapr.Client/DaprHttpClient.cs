using System.Text;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>The client over HTTP API v1.0: publishing, bindings, secrets, health and metadata. State, locks and plumbing are in their own files.</summary>
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
                WriteJson(writer, data.Span);
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
            using var response = await sidecar.SendAsync(HttpMethod.Get, path, null, null, null, Repeat.Never, cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode;
        }
        catch (DaprException)
        {
            return false;
        }
    }
}
