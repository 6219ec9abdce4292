using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Runtime.PubSub;

namespace Sidecar.Api.Http;

/// <summary>Publish and bulk publish (dapr-http §2).</summary>
internal static class PublishEndpoints
{
    private static readonly string[] Writes = ["POST", "PUT"];

    public static void MapPublish(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/v1.0/publish/{pubsub}/{**topic}", Writes, PublishAsync);
        routes.MapMethods("/v1.0/publish/bulk/{pubsub}/{**topic}", Writes, PublishManyAsync);
        routes.MapMethods("/v1.0-alpha1/publish/bulk/{pubsub}/{**topic}", Writes, PublishManyAsync);
    }

    private static async Task PublishAsync(HttpContext http)
    {
        var (traceParent, traceState) = http.Trace();
        await http.App().Publisher.PublishAsync(
            http.Route("pubsub"), http.Route("topic"), await http.ReadBodyAsync(), http.Request.ContentType, http.Request.QueryMetadata(), traceParent, traceState,
            http.RequestAborted);
        await http.NoContent();
    }

    private static async Task PublishManyAsync(HttpContext http)
    {
        using var body = await http.ReadJsonAsync();
        if (body.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw PubSubErrors.BadBulk("an array of entries is expected");
        }

        var query = http.Request.QueryMetadata();
        var entries = new List<BulkEntry>();
        foreach (var element in body.RootElement.EnumerateArray())
        {
            var id = element.Text("entryId") ?? "";
            var contentType = element.Text("contentType") is { Length: > 0 } type ? type : "text/plain";
            entries.Add(new BulkEntry(id, Data(id, element.Member("event"), contentType), contentType, query.With(element.Member("metadata").ToMetadata())));
        }

        var (traceParent, traceState) = http.Trace();
        var outcome = await http.App().Publisher.PublishManyAsync(
            http.Route("pubsub"), http.Route("topic"), entries, traceParent, traceState, http.RequestAborted);
        if (outcome.Failed.Count == 0)
        {
            await http.NoContent();
            return;
        }

        await http.WriteJsonAsync(
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteStartArray("failedEntries");
                foreach (var (id, error) in outcome.Failed)
                {
                    writer.WriteStartObject();
                    writer.WriteString("entryId", id);
                    writer.WriteString("error", error);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteString("errorCode", "ERR_PUBSUB_PUBLISH_MESSAGE");
                writer.WriteEndObject();
            },
            StatusCodes.Status500InternalServerError);
    }

    private static byte[] Data(string id, JsonElement element, string contentType)
    {
        if (element.ValueKind == JsonValueKind.Undefined)
        {
            throw PubSubErrors.BadBulk($"entry '{id}' has no event");
        }

        var mediaType = contentType.Split(';')[0].Trim();
        if (CloudEventEnvelope.IsJson(mediaType) || mediaType == CloudEventEnvelope.ContentType)
        {
            return element.Raw();
        }

        var text = element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText();
        if (mediaType != "application/octet-stream")
        {
            return Encoding.UTF8.GetBytes(text);
        }

        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException exception)
        {
            throw PubSubErrors.BadBulk($"the event of entry '{id}' is not base64: {exception.Message}");
        }
    }

    /// <summary>The publisher's span; the client's headers when this process makes no spans itself.</summary>
    internal static (string? TraceParent, string? TraceState) Trace(this HttpContext http) => (
        http.Request.Headers.TraceParent is [{ Length: > 0 } parent, ..] ? parent : CloudEventEnvelope.CurrentTraceParent,
        http.Request.Headers.TraceState is [{ Length: > 0 } state, ..] ? state : null);
}
