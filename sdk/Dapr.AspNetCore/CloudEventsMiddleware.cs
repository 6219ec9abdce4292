using System.Text;
using System.Text.Json;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dapr
{
    /// <summary>Options of <c>UseCloudEvents</c>.</summary>
    public class CloudEventsMiddlewareOptions
    {
        /// <summary>A text whose content type is not JSON stays a JSON string.</summary>
        public bool SuppressJsonDecodingOfTextPayloads { get; set; }

        /// <summary>Attributes of the envelope become headers <c>Cloudevent.{name}</c>.</summary>
        public bool ForwardCloudEventPropertiesAsHeaders { get; set; }

        /// <summary>Only these attributes.</summary>
        public string[]? IncludedCloudEventPropertiesAsHeaders { get; set; }

        /// <summary>All but these attributes.</summary>
        public string[]? ExcludedCloudEventPropertiesFromHeaders { get; set; }
    }

    /// <summary>Replaces the body of <c>application/cloudevents+json</c> requests by the envelope's data (dapr-sdk §5).</summary>
    internal sealed class CloudEventsMiddleware(RequestDelegate next, CloudEventsMiddlewareOptions options)
    {
        private const string ContentType = "application/cloudevents+json";
        private static readonly string[] NeverForwarded = ["datacontenttype", "data", "data_base64", "pubsubname", "traceparent"];

        public async Task InvokeAsync(HttpContext http)
        {
            if (!IsCloudEvent(http.Request, out var charset))
            {
                await next(http).ConfigureAwait(false);
                return;
            }

            var (originalBody, originalType, originalLength) = (http.Request.Body, http.Request.ContentType, http.Request.ContentLength);
            try
            {
                using var document = charset is null ? null : await ReadAsync(http.Request, charset).ConfigureAwait(false);
                if (document is null || !TryUnwrap(http.Request, document.RootElement, out var body, out var contentType))
                {
                    http.Response.StatusCode = StatusCodes.Status400BadRequest;
                    return;
                }

                http.Request.Body = new MemoryStream(body);
                http.Request.ContentType = contentType;
                http.Request.ContentLength = body.Length;
                await next(http).ConfigureAwait(false);
            }
            finally
            {
                http.Request.Body = originalBody;
                http.Request.ContentType = originalType;
                http.Request.ContentLength = originalLength;
            }
        }

        /// <summary>Whether the body is an envelope, and how it is encoded: null when in a way that nobody here knows.</summary>
        private static bool IsCloudEvent(HttpRequest request, out Encoding? charset)
        {
            charset = Encoding.UTF8;
            if (!System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
                || !ContentType.Equals(type.MediaType, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            if (type.CharSet is { Length: > 0 } name && !name.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            {
                charset = FindEncoding(name.Trim('"'));
            }

            return true;
        }

        private static Encoding? FindEncoding(string name)
        {
            try
            {
                return Encoding.GetEncoding(name);
            }
            catch (ArgumentException)
            {
                return null;
            }
        }

        private static async Task<JsonDocument?> ReadAsync(HttpRequest request, Encoding charset)
        {
            try
            {
                if (Equals(charset, Encoding.UTF8))
                {
                    return await JsonDocument.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
                }

                using var reader = new StreamReader(request.Body, charset);
                return JsonDocument.Parse(await reader.ReadToEndAsync(request.HttpContext.RequestAborted).ConfigureAwait(false));
            }
            catch (JsonException)
            {
                return null;
            }
        }

        private bool TryUnwrap(HttpRequest request, JsonElement envelope, out byte[] body, out string? contentType)
        {
            (body, contentType) = ([], null);
            if (envelope.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            JsonElement? data = null;
            JsonElement? base64 = null;
            JsonElement? dataType = null;
            foreach (var member in envelope.EnumerateObject())
            {
                switch (member.Name.ToLowerInvariant())
                {
                    case "data": data = member.Value; break;
                    case "data_base64": base64 = member.Value; break;
                    case "datacontenttype": dataType = member.Value; break;
                }

                Forward(request, member);
            }

            if ((data is not null && base64 is not null) || dataType is { ValueKind: not (JsonValueKind.String or JsonValueKind.Null) })
            {
                return false;
            }

            var mediaType = dataType?.GetString()?.Split(';')[0].Trim();
            if (base64 is { } encoded)
            {
                if (encoded.ValueKind != JsonValueKind.String || !encoded.TryGetBytesFromBase64(out var decoded))
                {
                    return false;
                }

                body = decoded;
                contentType = mediaType;
            }
            else if (data is { } value)
            {
                var isJson = string.IsNullOrEmpty(mediaType) || mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                    || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
                body = isJson || value.ValueKind != JsonValueKind.String || options.SuppressJsonDecodingOfTextPayloads
                    ? Encoding.UTF8.GetBytes(value.GetRawText())
                    : Encoding.UTF8.GetBytes(value.GetString()!);
                contentType = mediaType is { Length: > 0 } ? mediaType : "application/json";
            }

            return true;
        }

        private void Forward(HttpRequest request, JsonProperty member)
        {
            var name = member.Name.ToLowerInvariant();
            if (!options.ForwardCloudEventPropertiesAsHeaders || NeverForwarded.Contains(name))
            {
                return;
            }

            var wanted = options.IncludedCloudEventPropertiesAsHeaders is { } included ? included.Contains(name, StringComparer.OrdinalIgnoreCase)
                : options.ExcludedCloudEventPropertiesFromHeaders?.Contains(name, StringComparer.OrdinalIgnoreCase) != true;
            if (wanted)
            {
                request.Headers[$"Cloudevent.{name}"] = member.Value.GetRawText().Trim('"');
            }
        }
    }
}

namespace Microsoft.AspNetCore.Builder
{
    /// <summary>CloudEvents in the pipeline.</summary>
    public static class DaprApplicationBuilderExtensions
    {
        /// <summary>Handlers get the data of CloudEvents.</summary>
        public static IApplicationBuilder UseCloudEvents(this IApplicationBuilder builder) => builder.UseCloudEvents(new CloudEventsMiddlewareOptions());

        /// <summary>Handlers get the data of CloudEvents.</summary>
        public static IApplicationBuilder UseCloudEvents(this IApplicationBuilder builder, CloudEventsMiddlewareOptions options) =>
            builder.UseMiddleware<CloudEventsMiddleware>(options);
    }
}
