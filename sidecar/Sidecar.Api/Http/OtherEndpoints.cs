using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Abstractions;
using Sidecar.Runtime;

namespace Sidecar.Api.Http;

/// <summary>Bindings, secrets and locks (dapr-http §5, §7, §9).</summary>
internal static class OtherEndpoints
{
    private static readonly string[] Writes = ["POST", "PUT"];
    private static readonly string[] TraceHeaders = ["traceparent", "tracestate", "baggage"];

    public static void MapOtherBlocks(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/v1.0/bindings/{name}", Writes, InvokeBindingAsync);
        routes.MapGet("/v1.0/secrets/{store}/bulk", GetSecretsAsync);
        routes.MapGet("/v1.0/secrets/{store}/{**key}", GetSecretAsync);
        routes.MapPost("/v1.0-alpha1/lock/{store}", LockAsync);
        routes.MapPost("/v1.0-alpha1/unlock/{store}", UnlockAsync);
    }

    private static async Task InvokeBindingAsync(HttpContext http)
    {
        using var body = await http.ReadJsonAsync();
        var data = body.RootElement.Member("data");
        var response = await http.App().Bindings.InvokeAsync(
            http.Route("name"),
            new BindingRequest(
                body.RootElement.Text("operation") ?? "", data.ValueKind == JsonValueKind.Undefined ? default : data.Raw(),
                WithTrace(http.Request, body.RootElement.Member("metadata").ToMetadata())),
            http.RequestAborted);
        foreach (var (name, value) in response.Metadata)
        {
            http.Response.Headers[$"metadata.{name}"] = value;
        }

        if (response.Data is not { } bytes)
        {
            await http.NoContent();
            return;
        }

        http.Response.ContentType = response.ContentType ?? "application/json";
        http.Response.ContentLength = bytes.Length;
        await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
    }

    /// <summary>The caller's trace context travels as request metadata; what the caller has put there himself wins.</summary>
    private static ComponentMetadata WithTrace(HttpRequest request, ComponentMetadata metadata) => new(
    [
        .. TraceHeaders.Where(name => request.Headers[name] is [{ Length: > 0 }, ..]).Select(name => KeyValuePair.Create(name, request.Headers[name].ToString())),
        .. metadata,
    ]);

    private static async Task GetSecretAsync(HttpContext http)
    {
        var store = SecretStore(http);
        if (!http.App().Configuration.IsSecretAllowed(http.Route("store"), http.Route("key")))
        {
            throw new DaprErrorException(403, "ERR_PERMISSION_DENIED", $"access denied by policy to get {http.Route("key")} from {http.Route("store")}");
        }

        var secret = await store.GetAsync(http.Route("key"), http.Request.QueryMetadata(), http.RequestAborted)
            ?? throw new DaprErrorException(500, "ERR_SECRET_GET", $"failed getting secret with key {http.Route("key")} from secret store {http.Route("store")}: secret not found");
        await http.WriteJsonAsync(writer => WriteMap(writer, secret));
    }

    private static async Task GetSecretsAsync(HttpContext http)
    {
        var all = await SecretStore(http).GetAllAsync(http.Request.QueryMetadata(), http.RequestAborted);
        var configuration = http.App().Configuration;
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            foreach (var (name, values) in all.Where(secret => configuration.IsSecretAllowed(http.Route("store"), secret.Key)))
            {
                writer.WritePropertyName(name);
                WriteMap(writer, values);
            }

            writer.WriteEndObject();
        });
    }

    private static ISecretStore SecretStore(HttpContext http)
    {
        var components = http.App().Components;
        return components.Find<ISecretStore>(http.Route("store")) ?? throw (components.Any<ISecretStore>()
            ? new DaprErrorException(401, "ERR_SECRET_STORE_NOT_FOUND", $"failed finding secret store with key {http.Route("store")}")
            : new DaprErrorException(500, "ERR_SECRET_STORES_NOT_CONFIGURED", "secret store is not configured"));
    }

    private static async Task LockAsync(HttpContext http)
    {
        var (store, resource, owner, body) = await ReadLockAsync(http);
        using (body)
        {
            if (body.RootElement.Member("expiryInSeconds") is not { ValueKind: JsonValueKind.Number } number || !number.TryGetInt32(out var seconds) || seconds <= 0)
            {
                throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", $"ExpiryInSeconds is not positive in lock store {http.Route("store")}");
            }

            var success = await store.TryLockAsync(resource, owner, TimeSpan.FromSeconds(seconds), http.RequestAborted);
            await http.WriteJsonAsync(writer =>
            {
                writer.WriteStartObject();
                writer.WriteBoolean("success", success);
                writer.WriteEndObject();
            });
        }
    }

    private static async Task UnlockAsync(HttpContext http)
    {
        var (store, resource, owner, body) = await ReadLockAsync(http);
        body.Dispose();
        var status = await store.UnlockAsync(resource, owner, http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("status", (int)status);
            writer.WriteEndObject();
        });
    }

    private static async Task<(ILockStore Store, string Resource, string Owner, JsonDocument Body)> ReadLockAsync(HttpContext http)
    {
        var name = http.Route("store");
        var components = http.App().Components;
        var store = components.Find<ILockStore>(name) ?? throw (components.Any<ILockStore>()
            ? new DaprErrorException(400, "ERR_LOCK_STORE_NOT_FOUND", $"lock store {name} not found")
            : new DaprErrorException(500, "ERR_LOCK_STORE_NOT_CONFIGURED", "lock store is not configured"));
        var body = await http.ReadJsonAsync();
        return body.RootElement.Text("resourceId") is { Length: > 0 } resource && body.RootElement.Text("lockOwner") is { Length: > 0 } owner
            ? (store, $"lock||{http.App().Instance.AppId}||{resource}", owner, body)
            : throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", $"ResourceId or LockOwner is empty in lock store {name}");
    }

    private static void WriteMap(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> values)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in values)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
    }
}
