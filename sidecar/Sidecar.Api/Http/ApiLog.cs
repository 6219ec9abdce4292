using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sidecar.Api.Http;

/// <summary>One line per API call for the apps that ask for it (<c>enableApiLogging</c>, dapr/config §6).</summary>
internal sealed partial class ApiLog(ILogger<ApiLog> logger)
{
    public void Write(HttpContext http)
    {
        var instance = http.App().Instance;
        if (instance.ApiLogging)
        {
            LogCall(logger, instance.AppId, instance.Index, http.Request.Method, http.Request.Path.Value!);
        }
    }

    [LoggerMessage(2910, LogLevel.Information, "API call of {AppId} #{Index}: {Method} {Path}")]
    private static partial void LogCall(ILogger logger, string appId, int index, string method, string path);
}
