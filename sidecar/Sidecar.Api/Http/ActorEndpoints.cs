using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Abstractions;
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
        routes.MapMethods($"{Actor}/timers/{{name}}", Writes, RegisterTimerAsync);
        routes.MapDelete($"{Actor}/timers/{{name}}", UnregisterTimerAsync);
        routes.MapMethods($"{Actor}/reminders/{{name}}", Writes, RegisterReminderAsync);
        routes.MapGet($"{Actor}/reminders/{{name}}", GetReminderAsync);
        routes.MapDelete($"{Actor}/reminders/{{name}}", UnregisterReminderAsync);
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

    private async Task RegisterTimerAsync(HttpContext http)
    {
        using var body = await http.ReadJsonAsync();
        var root = body.RootElement;
        runtimes(http.App()).RegisterTimer(http.Route("type"), http.Route("id"), http.Route("name"), new ActorTimerRequest(
            root.Text("dueTime") ?? "", root.Text("period") ?? "", root.Text("ttl") ?? "", root.Text("callback") ?? "", Data(root)));
        await http.NoContent();
    }

    private Task UnregisterTimerAsync(HttpContext http)
    {
        runtimes(http.App()).UnregisterTimer(http.Route("type"), http.Route("id"), http.Route("name"));
        return http.NoContent();
    }

    private async Task RegisterReminderAsync(HttpContext http)
    {
        using var body = await http.ReadJsonAsync();
        var root = body.RootElement;
        var request = new ActorReminderRequest(root.Text("dueTime") ?? "", root.Text("period") ?? "", root.Text("ttl") ?? "", Data(root))
        {
            Overwrite = root.Member("overwrite").ValueKind != JsonValueKind.False,
            FailurePolicy = ToPolicy(Either(root, "failure_policy", "failurePolicy")),
        };
        await runtimes(http.App()).RegisterReminderAsync(http.Route("type"), http.Route("id"), http.Route("name"), request, http.RequestAborted);
        await http.NoContent();
    }

    private Task GetReminderAsync(HttpContext http)
    {
        var reminder = runtimes(http.App()).GetReminder(http.Route("type"), http.Route("id"), http.Route("name"));
        return http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("actorID", reminder.ActorId);
            writer.WriteString("actorType", reminder.ActorType);
            if (reminder.Data is { } data)
            {
                writer.WritePropertyName("data");
                writer.WriteRawValue(data.Span);
            }

            foreach (var (name, text) in new[] { ("dueTime", reminder.DueTime), ("period", reminder.Period), ("ttl", reminder.Ttl) })
            {
                if (text.Length > 0)
                {
                    writer.WriteString(name, text);
                }
            }

            writer.WriteEndObject();
        });
    }

    private async Task UnregisterReminderAsync(HttpContext http)
    {
        await runtimes(http.App()).UnregisterReminderAsync(http.Route("type"), http.Route("id"), http.Route("name"), http.RequestAborted);
        await http.NoContent();
    }

    private static ReadOnlyMemory<byte>? Data(JsonElement root) =>
        root.Member("data") is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } data ? data.Raw() : null;

    private static JsonElement Either(JsonElement element, string name, string other) =>
        element.Member(name) is { ValueKind: not JsonValueKind.Undefined } value ? value : element.Member(other);

    /// <summary><c>{"constant":{"interval":"1s","max_retries":3}}</c> or <c>{"drop":{}}</c>.</summary>
    private static ActorFailurePolicy ToPolicy(JsonElement policy)
    {
        if (policy.Member("drop").ValueKind == JsonValueKind.Object)
        {
            return ActorFailurePolicy.Drop;
        }

        if (policy.Member("constant") is not { ValueKind: JsonValueKind.Object } constant)
        {
            return ActorFailurePolicy.Default;
        }

        var interval = ActorFailurePolicy.Default.Interval;
        if (constant.Text("interval") is { } text && !GoDuration.TryParse(text, out interval))
        {
            throw ActorErrors.Malformed($"the interval '{text}' of failure_policy is not a duration");
        }

        var retries = Either(constant, "max_retries", "maxRetries");
        return new ActorFailurePolicy(interval, retries.ValueKind == JsonValueKind.Number && retries.TryGetInt32(out var number) && number >= 0 ? number : null);
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
