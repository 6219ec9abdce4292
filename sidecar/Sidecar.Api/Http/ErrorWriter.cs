using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecar.Runtime;

namespace Sidecar.Api.Http;

/// <summary>Turns exceptions into Dapr's error JSON: the legacy shape, or with details where Dapr has the richer one (dapr-http §0.3).</summary>
internal sealed partial class ErrorWriter(ILogger<ErrorWriter> logger)
{
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for an answer.
        }
        catch (DaprErrorException error) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, error);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException exception) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, new DaprErrorException(exception.StatusCode, "ERR_BODY_READ", exception.Message));
        }
        catch (Exception exception) when (!http.Response.HasStarted)
        {
            LogFailed(logger, exception, http.Request.Method, http.App().Instance.AppId);
            await WriteAsync(http, new DaprErrorException(500, "ERR_INTERNAL", exception.Message));
        }
    }

    public static Task WriteAsync(HttpContext http, DaprErrorException error)
    {
        http.Response.Clear();
        foreach (var (name, value) in error.Metadata ?? Abstractions.ComponentMetadata.Empty)
        {
            http.Response.Headers[$"metadata.{name}"] = value;
        }

        return http.WriteJsonAsync(
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("errorCode", error.ErrorCode);
                writer.WriteString("message", error.Message);
                if (error.Reason is not null)
                {
                    WriteDetails(writer, error, http.App().Instance.AppId);
                }

                writer.WriteEndObject();
            },
            error.Status);
    }

    private static void WriteDetails(System.Text.Json.Utf8JsonWriter writer, DaprErrorException error, string appId)
    {
        writer.WriteStartArray("details");
        writer.WriteStartObject();
        writer.WriteString("@type", "type.googleapis.com/google.rpc.ErrorInfo");
        writer.WriteString("domain", "dapr.io");
        writer.WriteString("reason", error.Reason);
        writer.WriteStartObject("metadata");
        writer.WriteString("appID", appId);
        writer.WriteEndObject();
        writer.WriteEndObject();
        if (error.Resource is var (type, name) && type is not null)
        {
            writer.WriteStartObject();
            writer.WriteString("@type", "type.googleapis.com/google.rpc.ResourceInfo");
            writer.WriteString("resource_type", type);
            writer.WriteString("resource_name", name);
            writer.WriteString("owner", "");
            writer.WriteString("description", "");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    [LoggerMessage(2101, LogLevel.Error, "{Method} request of {AppId} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, string appId);
}
