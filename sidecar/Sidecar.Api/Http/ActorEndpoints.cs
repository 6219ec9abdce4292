using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Actors;
using Sidecar.Runtime;

namespace Sidecar.Api.Http;

/// <summary>Actor API (protocol: HTTP §6.2).</summary>
internal sealed class ActorEndpoints(Func<AppInstance, ActorRuntime> runtimes)
{
    private static readonly string[] Calls = ["GET", "POST", "PUT", "DELETE"];
    private static readonly string[] Writes = ["POST", "PUT"];

    public void Map(IEndpointRouteBuilder routes)
    {
        const string Actor = "/v1.0/actors/{type}/{id}";
        routes.MapMethods($"{Actor}/method/{{method}}", Calls, InvokeAsync);
        routes.MapGet($"{Actor}/state/{{key}}", GetStateAsync);
        routes.MapMethods($"{Actor}/state", Writes, TransactAsync);
    }

    private async Task InvokeAsync(HttpContext http)
    {
        var call = new ActorCall(http.Route("type"), http.Route("id"), http.Route("method"), await http.ReadBodyAsync())
        {
            Headers = [.. http.Request.Headers.SelectMany(header => header.Value, (header, value) => KeyValuePair.Create(header.Key, value ?? ""))],
            Query = http.Request.QueryString.Value ?? "",
        };
        var answer = await runtimes(http.App()).InvokeAsync(call, http.RequestAborted);
        http.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.ContentLength = answer.Body.Length;
        await http.Response.BodyWriter.WriteAsync(answer.Body, http.RequestAborted);
    }

    private async Task GetStateAsync(HttpContext http)
    {
        if (await runtimes(http.App()).GetStateAsync(http.Route("type"), http.Route("id"), http.Route("key"), http.RequestAborted) is not { } item)
        {
            await http.NoContent();
            return;
        }

        if (item.ExpiresAt is { } expires)
        {
            http.Response.Headers["metadata.ttlExpireTime"] = expires.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = item.Value.Length;
        await http.Response.BodyWriter.WriteAsync(item.Value, http.RequestAborted);
    }

    private async Task TransactAsync(HttpContext http)
    {
        using var body = await http.ReadJsonAsync();
        if (body.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw ActorErrors.Malformed("an array of operations is expected");
        }

        ActorStateOperation[] operations = [.. body.RootElement.EnumerateArray().Select(ToOperation)];
        await runtimes(http.App()).TransactStateAsync(http.Route("type"), http.Route("id"), operations, http.RequestAborted);
        await http.NoContent();
    }

    private static ActorStateOperation ToOperation(JsonElement element)
    {
        var request = element.Member("request");
        if (request.Text("key") is not { Length: > 0 } key)
        {
            throw ActorErrors.Malformed("a 'key' is missing");
        }

        var value = request.Member("value");
        return element.Text("operation") switch
        {
            "upsert" => new ActorStateOperation(
                key, value.ValueKind == JsonValueKind.Undefined ? "null"u8.ToArray() : value.Raw(), request.Member("metadata").ToMetadata()),
            "delete" => new ActorStateOperation(key, null, request.Member("metadata").ToMetadata()),
            var other => throw ActorErrors.UnknownOperation(other ?? ""),
        };
    }
}

/// <summary>Adds the actor API.</summary>
internal static class ActorRoutes
{
    public static void MapActors(this IEndpointRouteBuilder routes, Func<AppInstance, ActorRuntime> runtimes) => new ActorEndpoints(runtimes).Map(routes);
}
