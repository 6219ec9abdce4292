using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Sidecar.Abstractions;
using Sidecar.Runtime;
using Sidecar.Runtime.PubSub;

namespace Sidecar.Api.Http;

/// <summary>What every endpoint needs of a request: the app instance behind the port, metadata of the query, JSON in and out.</summary>
internal static class ApiContext
{
    private const string MetadataPrefix = "metadata.";

    /// <summary>The app instance whose port the request came to; set by the first middleware.</summary>
    public static AppInstance App(this HttpContext http) => (AppInstance)http.Items[typeof(AppInstance)]!;

    /// <summary>Whether the request came to the port of the gRPC API.</summary>
    public static bool IsGrpcPort(this HttpContext http) => (bool)http.Items[typeof(PortOwner)]!;

    /// <summary>Query keys that begin with <c>metadata.</c>, without the prefix; the first value wins.</summary>
    public static ComponentMetadata QueryMetadata(this HttpRequest request)
    {
        if (!request.QueryString.HasValue || request.QueryString.Value!.Length < 2)
        {
            return ComponentMetadata.Empty;
        }

        return new ComponentMetadata(request.Query
            .Where(entry => entry.Key.StartsWith(MetadataPrefix, StringComparison.Ordinal))
            .Select(entry => KeyValuePair.Create(entry.Key[MetadataPrefix.Length..], entry.Value.Count > 0 ? entry.Value[0] ?? "" : "")));
    }

    /// <summary>
    /// Route value, unescaped: the server leaves an escaped slash alone, and keys may contain slashes. What looks like one may also have
    /// been sent as <c>%252F</c>, so it is read again from the target of the request.
    /// </summary>
    public static string Route(this HttpContext http, string name)
    {
        var value = (http.Request.RouteValues[name] as string) ?? "";
        return value.Contains("%2F", StringComparison.OrdinalIgnoreCase) ? FromTarget(http, name) ?? value : value;
    }

    private static string? FromTarget(HttpContext http, string name)
    {
        var pattern = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.PathSegments ?? [];
        var position = pattern.TakeWhile(segment => segment.Parts is not [RoutePatternParameterPart part] || part.Name != name).Count();
        var path = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0].Split('/')[1..];
        return position >= pattern.Count || position >= path.Length ? null
            : Uri.UnescapeDataString(pattern[position].Parts is [RoutePatternParameterPart { IsCatchAll: true }] ? string.Join('/', path[position..]) : path[position]);
    }

    /// <summary>The whole body; ERR_BODY_READ when it cannot be read, 413 when it is too large.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(this HttpContext http)
    {
        var limit = http.App().Instance.MaxBodyBytes;
        var length = http.Request.ContentLength;
        if (length == 0)
        {
            return default;
        }

        if (length > limit)
        {
            throw TooLarge(limit);
        }

        var reader = http.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            if (result.Buffer.Length > limit)
            {
                reader.AdvanceTo(result.Buffer.End);
                throw TooLarge(limit);
            }

            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>The body as JSON; ERR_MALFORMED_REQUEST 400 when it is none.</summary>
    public static async Task<JsonDocument> ReadJsonAsync(this HttpContext http) => ParseJson(await http.ReadBodyAsync());

    /// <summary>A body as JSON; ERR_MALFORMED_REQUEST 400 when it is none, or not UTF-8: the parser does not look into texts.</summary>
    public static JsonDocument ParseJson(ReadOnlyMemory<byte> body)
    {
        if (!Utf8.IsValid(body.Span))
        {
            throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", "failed deserializing HTTP body: it is not valid UTF-8");
        }

        try
        {
            return JsonDocument.Parse(body, CloudEventEnvelope.Reading);
        }
        catch (JsonException exception)
        {
            throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", $"failed deserializing HTTP body: {exception.Message}", innerException: exception);
        }
    }

    /// <summary>Answers 204.</summary>
    public static Task NoContent(this HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>Answers 200 with JSON written by the delegate.</summary>
    public static async Task WriteJsonAsync(this HttpContext http, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await using (var writer = new Utf8JsonWriter(http.Response.BodyWriter))
        {
            write(writer);
        }

        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    /// <summary>String-valued members of an object as metadata.</summary>
    public static ComponentMetadata ToMetadata(this JsonElement element) => element.ValueKind == JsonValueKind.Object
        ? new ComponentMetadata(element.EnumerateObject().Select(member => KeyValuePair.Create(
            member.Name, member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : member.Value.GetRawText())))
        : ComponentMetadata.Empty;

    /// <summary>A member by name without case, or an undefined element.</summary>
    public static JsonElement Member(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Object
        ? element.EnumerateObject().FirstOrDefault(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value
        : default;

    /// <summary>The JSON text as it was sent.</summary>
    public static byte[] Raw(this JsonElement element) => JsonMarshal.GetRawUtf8Value(element).ToArray();

    /// <summary>A text member, or null.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>Both metadata; the second wins.</summary>
    public static ComponentMetadata With(this ComponentMetadata metadata, ComponentMetadata other) =>
        other.Count == 0 ? metadata : metadata.Count == 0 ? other : new ComponentMetadata(metadata.Concat(other));

    /// <summary>Lifts the server's own body limit: forwarded bodies stream and have no limit here.</summary>
    public static void AllowAnyBody(this HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = null;
        }
    }

    private static DaprErrorException TooLarge(long limit) =>
        new(StatusCodes.Status413PayloadTooLarge, "ERR_BODY_TOO_LARGE", $"the body is larger than {limit} bytes");
}
