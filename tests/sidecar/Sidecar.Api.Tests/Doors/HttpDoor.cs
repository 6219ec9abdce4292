using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sidecar.Api.Tests.Doors;

/// <summary>The HTTP API.</summary>
public sealed class HttpDoor(HttpClient http) : Door
{
    public static Door Open(TestRun run, int instance = 0) => new HttpDoor(run.Client(instance));

    public override bool IsGrpc => false;

    public override Task SaveAsync(string store, params Item[] items) =>
        NoContentAsync(PostAsync($"/v1.0/state/{store}", new JsonArray([.. items.Select(ToJson)])));

    public override async Task<Stored?> GetAsync(string store, string key)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/v1.0/state/{store}/{Uri.EscapeDataString(key)}");
        return response.StatusCode == HttpStatusCode.NoContent ? null : new Stored(
            await response.Content.ReadAsStringAsync(), response.Headers.GetValues("ETag").Single(),
            response.Headers.TryGetValues("metadata.ttlExpireTime", out var expiry) ? expiry.Single() : null);
    }

    public override async Task<(string Key, Stored? Value)[]> GetManyAsync(string store, params string[] keys)
    {
        var items = await JsonAsync(await PostAsync($"/v1.0/state/{store}/bulk", new JsonObject { ["keys"] = new JsonArray([.. keys.Select(key => JsonValue.Create(key))]) }));
        return [.. items.AsArray().Select(item => (
            (string)item!["key"]!,
            item["data"] is { } data ? new Stored(data.ToJsonString(), (string)item["etag"]!, (string?)item["metadata"]?["ttlExpireTime"]) : null))];
    }

    public override Task DeleteAsync(string store, string key, string? etag = null) => NoContentAsync(
        SendAsync(HttpMethod.Delete, $"/v1.0/state/{store}/{Uri.EscapeDataString(key)}", headers: etag is null ? [] : [("If-Match", etag)]));

    public override Task TransactAsync(string store, params (string Operation, Item Item)[] operations) =>
        NoContentAsync(PostAsync($"/v1.0/state/{store}/transaction", new JsonObject
        {
            ["operations"] = new JsonArray([.. operations.Select(step => new JsonObject { ["operation"] = step.Operation, ["request"] = ToJson(step.Item) })]),
        }));

    public override Task PublishAsync(
        string pubSub, string topic, byte[] data, string? contentType = null, (string Name, string Value)[]? metadata = null, string? traceParent = null)
    {
        var query = string.Concat((metadata ?? []).Select((entry, index) => $"{(index == 0 ? '?' : '&')}metadata.{entry.Name}={Uri.EscapeDataString(entry.Value)}"));
        return NoContentAsync(SendAsync(HttpMethod.Post, $"/v1.0/publish/{pubSub}/{topic}{query}", data, contentType, Trace(traceParent)));
    }

    public override async Task<string[]> PublishManyAsync(string pubSub, string topic, params Entry[] entries)
    {
        var body = new JsonArray([.. entries.Select(entry => new JsonObject
        {
            ["entryId"] = entry.Id, ["event"] = JsonNode.Parse(entry.Event), ["contentType"] = entry.ContentType, ["metadata"] = ToJson(entry.Metadata),
        })]);
        using var request = Request(HttpMethod.Post, $"/v1.0/publish/bulk/{pubSub}/{topic}", Encoding.UTF8.GetBytes(body.ToJsonString()), "application/json", []);
        using var response = await http.SendAsync(request);
        var answer = response.StatusCode == HttpStatusCode.NoContent ? null : JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        return answer switch
        {
            null => [],
            JsonObject when answer["failedEntries"] is JsonArray failed => [.. failed.Select(entry => (string)entry!["entryId"]!)],
            _ => throw ToException(response, answer),
        };
    }

    public override async Task<Answer> InvokeBindingAsync(
        string name, string operation, string? jsonData = null, (string Name, string Value)[]? metadata = null, string? traceParent = null)
    {
        var body = new JsonObject { ["operation"] = operation, ["metadata"] = ToJson(metadata) };
        if (jsonData is not null)
        {
            body["data"] = JsonNode.Parse(jsonData);
        }

        using var response = await SendAsync(
            HttpMethod.Post, $"/v1.0/bindings/{name}", Encoding.UTF8.GetBytes(body.ToJsonString()), "application/json", Trace(traceParent));
        return new Answer(
            await response.Content.ReadAsStringAsync(),
            response.Headers.Where(header => header.Key.StartsWith("metadata.", StringComparison.OrdinalIgnoreCase))
                .ToDictionary(header => header.Key["metadata.".Length..], header => header.Value.Single()));
    }

    public override async Task<Dictionary<string, string>> GetSecretAsync(string store, string key) =>
        (await JsonAsync(await SendAsync(HttpMethod.Get, $"/v1.0/secrets/{store}/{key}"))).Deserialize<Dictionary<string, string>>()!;

    public override async Task<Dictionary<string, Dictionary<string, string>>> GetSecretsAsync(string store) =>
        (await JsonAsync(await SendAsync(HttpMethod.Get, $"/v1.0/secrets/{store}/bulk"))).Deserialize<Dictionary<string, Dictionary<string, string>>>()!;

    public override async Task<Dictionary<string, (string Value, string Version)>> GetConfigurationAsync(string store, params string[] keys)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/v1.0/configuration/{store}?{string.Join('&', keys.Select(key => $"key={key}"))}");
        return response.StatusCode == HttpStatusCode.NoContent ? [] : JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject()
            .ToDictionary(item => item.Key, item => ((string)item.Value!["value"]!, (string)item.Value["version"]!));
    }

    public override async Task<bool> LockAsync(string store, string resource, string owner, int seconds) => (bool)(await JsonAsync(
        await PostAsync($"/v1.0-alpha1/lock/{store}", new JsonObject { ["resourceId"] = resource, ["lockOwner"] = owner, ["expiryInSeconds"] = seconds })))["success"]!;

    public override async Task<int> UnlockAsync(string store, string resource, string owner) => (int)(await JsonAsync(
        await PostAsync($"/v1.0-alpha1/unlock/{store}", new JsonObject { ["resourceId"] = resource, ["lockOwner"] = owner })))["status"]!;

    public override async Task<AppAnswer> InvokeAsync(
        string app, HttpMethod verb, string path, string query = "", string? body = null, string? contentType = null, params (string Name, string Value)[] headers)
    {
        var uri = $"/v1.0/invoke/{app}/method/{path}{(query.Length > 0 ? "?" : "")}{query}";
        using var request = Request(verb, uri, body is null ? null : Encoding.UTF8.GetBytes(body), contentType, headers);
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return text.Contains("\"ERR_DIRECT_INVOKE\"", StringComparison.Ordinal)
            ? throw ToException(response, JsonNode.Parse(text)!)
            : new AppAnswer(
                (int)response.StatusCode, text, response.Content.Headers.ContentType?.ToString() ?? "",
                response.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(',', header.Value)));
    }

    public override Task SetMetadataAsync(string key, string value) =>
        NoContentAsync(SendAsync(HttpMethod.Put, $"/v1.0/metadata/{key}", Encoding.UTF8.GetBytes(value), "text/plain"));

    public override async Task<Metadata> GetMetadataAsync()
    {
        var json = await JsonAsync(await SendAsync(HttpMethod.Get, "/v1.0/metadata"));
        return new Metadata(
            (string)json["id"]!, (int?)json["appConnectionProperties"]?["port"], json["extended"].Deserialize<Dictionary<string, string>>()!,
            [.. json["components"]!.AsArray().Select(component =>
                ((string)component!["name"]!, (string)component["type"]!, component["capabilities"].Deserialize<string[]>()!))]);
    }

    public override async Task<string> InvokeActorAsync(string type, string id, string method, string body = "", params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(HttpMethod.Put, $"/v1.0/actors/{type}/{id}/method/{method}", Encoding.UTF8.GetBytes(body), "application/json", headers);
        return await response.Content.ReadAsStringAsync();
    }

    public override async Task<(string Value, string? ExpiresAt)?> GetActorStateAsync(string type, string id, string key)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/v1.0/actors/{type}/{id}/state/{key}");
        return response.StatusCode == HttpStatusCode.NoContent ? null : (
            await response.Content.ReadAsStringAsync(), response.Headers.TryGetValues("metadata.ttlExpireTime", out var expiry) ? expiry.Single() : null);
    }

    public override Task TransactActorStateAsync(string type, string id, params (string Operation, Item Item)[] operations) =>
        NoContentAsync(PostAsync(
            $"/v1.0/actors/{type}/{id}/state",
            new JsonArray([.. operations.Select(step => new JsonObject { ["operation"] = step.Operation, ["request"] = ToJson(step.Item) })])));

    public override Task RemindAsync(string type, string id, string name, string dueTime, string period, string data, bool overwrite = true) =>
        NoContentAsync(PostAsync(
            $"/v1.0/actors/{type}/{id}/reminders/{name}",
            new JsonObject { ["dueTime"] = dueTime, ["period"] = period, ["data"] = JsonNode.Parse(data), ["overwrite"] = overwrite }));

    public override async Task<(string DueTime, string Period, string Data)> GetReminderAsync(string type, string id, string name)
    {
        var reminder = await JsonAsync(await SendAsync(HttpMethod.Get, $"/v1.0/actors/{type}/{id}/reminders/{name}"));
        return ((string)reminder["dueTime"]!, (string)reminder["period"]!, reminder["data"]!.ToJsonString());
    }

    public override Task ForgetAsync(string type, string id, string name) =>
        NoContentAsync(SendAsync(HttpMethod.Delete, $"/v1.0/actors/{type}/{id}/reminders/{name}"));

    public override Task StartTimerAsync(string type, string id, string name, string dueTime, string callback) =>
        NoContentAsync(PostAsync($"/v1.0/actors/{type}/{id}/timers/{name}", new JsonObject { ["dueTime"] = dueTime, ["callback"] = callback }));

    public override Task StopTimerAsync(string type, string id, string name) =>
        NoContentAsync(SendAsync(HttpMethod.Delete, $"/v1.0/actors/{type}/{id}/timers/{name}"));

    public override void Dispose() => http.Dispose();

    private static JsonObject ToJson(Item item)
    {
        var json = new JsonObject { ["key"] = item.Key };
        if (item.Value is not null)
        {
            json["value"] = JsonNode.Parse(item.Value);
        }

        if (item.ETag is not null)
        {
            json["etag"] = item.ETag;
        }

        if (item.Concurrency is not null)
        {
            json["options"] = new JsonObject { ["concurrency"] = item.Concurrency };
        }

        if (item.Metadata is not null)
        {
            json["metadata"] = ToJson(item.Metadata);
        }

        if (item.TtlInSeconds is not null)
        {
            json["metadata"] = new JsonObject { ["ttlInSeconds"] = item.TtlInSeconds };
        }

        return json;
    }

    private static JsonObject ToJson((string Name, string Value)[]? metadata) =>
        new((metadata ?? []).Select(entry => KeyValuePair.Create(entry.Name, (JsonNode?)JsonValue.Create(entry.Value))));

    private static (string, string)[] Trace(string? traceParent) => traceParent is null ? [] : [("traceparent", traceParent)];

    private static HttpRequestMessage Request(HttpMethod verb, string uri, byte[]? body, string? contentType, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(verb, uri) { Content = body is null ? null : new ByteArrayContent(body) };
        if (contentType is not null && request.Content is not null)
        {
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private static ApiException ToException(HttpResponseMessage response, JsonNode error) => new(
        (string?)error["details"]?[0]?["reason"] ?? (string)error["errorCode"]!, (int)response.StatusCode, (string)error["message"]!);

    private static async Task<JsonNode> JsonAsync(HttpResponseMessage response)
    {
        using (response)
        {
            return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        }
    }

    private static async Task NoContentAsync(Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    private Task<HttpResponseMessage> PostAsync(string uri, JsonNode body) =>
        SendAsync(HttpMethod.Post, uri, Encoding.UTF8.GetBytes(body.ToJsonString()), "application/json");

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod verb, string uri, byte[]? body = null, string? contentType = null, params (string Name, string Value)[] headers)
    {
        using var request = Request(verb, uri, body, contentType, headers);
        var response = await http.SendAsync(request);
        return response.IsSuccessStatusCode ? response : throw ToException(response, await JsonAsync(response));
    }
}
