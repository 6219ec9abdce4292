using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Abstractions;

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
    internal static ComponentMetadata WithTrace(HttpRequest request, ComponentMetadata metadata) => new(
    [
        .. TraceHeaders.Where(name => request.Headers[name] is [{ Length: > 0 }, ..]).Select(name => KeyValuePair.Create(name, request.Headers[name].ToString())),
        .. metadata,
    ]);

    private static async Task GetSecretAsync(HttpContext http)
    {
        var secret = await http.App().Secrets.GetAsync(http.Route("store"), http.Route("key"), http.Request.QueryMetadata(), http.RequestAborted);
        await http.WriteJsonAsync(writer => WriteMap(writer, secret));
    }

    private static async Task GetSecretsAsync(HttpContext http)
    {
        var all = await http.App().Secrets.GetAllAsync(http.Route("store"), http.Request.QueryMetadata(), http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            foreach (var (name, values) in all)
            {
                writer.WritePropertyName(name);
                WriteMap(writer, values);
            }

            writer.WriteEndObject();
        });
    }

    private static async Task LockAsync(HttpContext http)
    {
        var locks = http.App().Locks;
        locks.Store(http.Route("store"));
        using var body = await http.ReadJsonAsync();
        var root = body.RootElement;
        int? seconds = root.Member("expiryInSeconds") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : null;
        var success = await locks.TryLockAsync(http.Route("store"), root.Text("resourceId"), root.Text("lockOwner"), seconds, http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("success", success);
            writer.WriteEndObject();
        });
    }

    private static async Task UnlockAsync(HttpContext http)
    {
        var locks = http.App().Locks;
        locks.Store(http.Route("store"));
        using var body = await http.ReadJsonAsync();
        var status = await locks.UnlockAsync(http.Route("store"), body.RootElement.Text("resourceId"), body.RootElement.Text("lockOwner"), http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("status", (int)status);
            writer.WriteEndObject();
        });
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
