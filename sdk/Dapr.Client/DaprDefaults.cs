using System.Globalization;

namespace Dapr.Client;

/// <summary>Endpoint and token: the given setting, else the environment (dapr-sdk §3).</summary>
internal static class DaprDefaults
{
    public const string TokenHeader = "dapr-api-token";

    /// <summary>DAPR_HTTP_ENDPOINT, else DAPR_HTTP_PORT on this machine, else 3500. Ends without a slash.</summary>
    public static string HttpEndpoint(Func<string, string?>? setting)
    {
        if (Read(setting, "DAPR_HTTP_ENDPOINT") is { Length: > 0 } endpoint)
        {
            var uri = new Uri(endpoint);
            return uri.Scheme is "http" or "https"
                ? uri.GetLeftPart(UriPartial.Authority)
                : throw new InvalidOperationException("The endpoint must be an http or https address.");
        }

        var port = Read(setting, "DAPR_HTTP_PORT") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 3500;
        return $"http://127.0.0.1:{port}";
    }

    public static string ApiToken(Func<string, string?>? setting) => Read(setting, "DAPR_API_TOKEN") ?? "";

    private static string? Read(Func<string, string?>? setting, string name) => setting?.Invoke(name) ?? Environment.GetEnvironmentVariable(name);
}
