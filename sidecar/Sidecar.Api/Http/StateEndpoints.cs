using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Abstractions;
using Sidecar.Runtime.PubSub;
using Sidecar.Runtime.State;

namespace Sidecar.Api.Http;

/// <summary>State API (dapr-http §1).</summary>
internal static class StateEndpoints
{
    private static readonly string[] Writes = ["POST", "PUT"];

    public static void MapState(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/v1.0/state/{store}", Writes, SaveAsync);
        routes.MapGet("/v1.0/state/{store}/{key}", GetAsync);
        routes.MapDelete("/v1.0/state/{store}/{key}", DeleteAsync);
        routes.MapMethods("/v1.0/state/{store}/bulk", Writes, BulkGetAsync);
        routes.MapMethods("/v1.0/state/{store}/transaction", Writes, TransactAsync);
        routes.MapMethods("/v1.0-alpha1/state/{store}/query", Writes, http =>
        {
            http.App().State.Store(http.Route("store"));
            throw StateErrors.NoQuery(http.Route("store"));
        });
    }

    private static async Task SaveAsync(HttpContext http)
    {
        var state = http.App().State;
        var store = http.Route("store");
        state.Store(store);
        using var body = await http.ReadJsonAsync();
        if (body.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw StateErrors.Malformed("failed deserializing HTTP body: an array of items is expected");
        }

        var query = http.Request.QueryMetadata();
        await state.SaveAsync(store, [.. body.RootElement.EnumerateArray().Select(item => ToRequest(item, query))], http.RequestAborted);
        await http.NoContent();
    }

    private static async Task GetAsync(HttpContext http)
    {
        if (await http.App().State.GetAsync(http.Route("store"), http.Route("key"), http.RequestAborted) is not { } item)
        {
            await http.NoContent();
            return;
        }

        http.Response.Headers.ETag = item.ETag;
        foreach (var (name, value) in StateMetadata.Of(item))
        {
            http.Response.Headers[$"metadata.{name}"] = value;
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = item.Value.Length;
        await http.Response.BodyWriter.WriteAsync(item.Value, http.RequestAborted);
    }

    private static async Task DeleteAsync(HttpContext http)
    {
        var etag = http.Request.Headers.IfMatch is [{ } value, ..] ? value : null;
        await http.App().State.DeleteAsync(
            http.Route("store"),
            new StateRequest(http.Route("key"), null, etag, http.Request.Query["concurrency"], http.Request.QueryMetadata()), http.RequestAborted);
        await http.NoContent();
    }

    private static async Task BulkGetAsync(HttpContext http)
    {
        var state = http.App().State;
        state.Store(http.Route("store"));
        using var body = await http.ReadJsonAsync();
        string[] keys = body.RootElement.Member("keys") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(Key)] : [];
        var items = keys.Length == 0 ? [] : await state.GetManyAsync(http.Route("store"), keys, http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartArray();
            foreach (var (key, item) in keys.Zip(items))
            {
                writer.WriteStartObject();
                writer.WriteString("key", key);
                if (item is not null)
                {
                    writer.WritePropertyName("data");
                    if (CloudEventEnvelope.IsValidJson(item.Value.Span))
                    {
                        writer.WriteRawValue(item.Value.Span, skipInputValidation: true);
                    }
                    else
                    {
                        // Saved over gRPC, where values are any bytes.
                        writer.WriteBase64StringValue(item.Value.Span);
                    }

                    writer.WriteString("etag", item.ETag);
                    foreach (var (name, value) in StateMetadata.Of(item))
                    {
                        writer.WriteStartObject("metadata");
                        writer.WriteString(name, value);
                        writer.WriteEndObject();
                    }
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    private static async Task TransactAsync(HttpContext http)
    {
        var state = http.App().State;
        state.Store(http.Route("store"));
        using var body = await http.ReadJsonAsync();
        var query = http.Request.QueryMetadata();
        var requests = new List<StateRequest>();
        if (body.RootElement.Member("operations") is { ValueKind: JsonValueKind.Array } operations)
        {
            foreach (var operation in operations.EnumerateArray())
            {
                var request = ToRequest(operation.Member("request"), query);
                requests.Add(operation.Text("operation") switch
                {
                    "upsert" => request with { Value = request.Value ?? "null"u8.ToArray() },
                    "delete" => request with { Value = null },
                    var other => throw StateErrors.UnknownOperation(other ?? ""),
                });
            }
        }

        if (requests.Count > 0)
        {
            await state.TransactAsync(http.Route("store"), requests, http.RequestAborted);
        }

        await http.NoContent();
    }

    private static string Key(JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw StateErrors.Malformed("a key is not a text");

    private static StateRequest ToRequest(JsonElement item, ComponentMetadata query)
    {
        if (item.Text("key") is not { Length: > 0 } key)
        {
            throw StateErrors.Malformed("a 'key' is missing");
        }

        var value = item.Member("value");
        return new StateRequest(
            key,
            value.ValueKind == JsonValueKind.Undefined ? "null"u8.ToArray() : value.Raw(),
            item.Text("etag"), item.Member("options").Text("concurrency"), item.Member("metadata").ToMetadata().With(query)) { IsJson = true };
    }
}
