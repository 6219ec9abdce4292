namespace Gateway.Forwarding;

/// <summary>Service invocation through the own sidecar, streamed: the SDK's invocation client would follow its own timeouts.</summary>
internal sealed class SidecarAddress(IConfiguration configuration)
{
    private readonly string _endpoint =
        (configuration["DAPR_HTTP_ENDPOINT"] is { Length: > 0 } endpoint ? endpoint : $"http://127.0.0.1:{configuration["DAPR_HTTP_PORT"] ?? "3500"}")
        .TrimEnd('/');

    private readonly string? _token = configuration["DAPR_API_TOKEN"];

    /// <summary>Address of a method of an app.</summary>
    public Uri Invoke(string app, PathString path, QueryString query = default) =>
        new($"{_endpoint}/v1.0/invoke/{app}/method{path.ToUriComponent()}{query.ToUriComponent()}");

    /// <summary>Adds the token that the sidecar asks for.</summary>
    public void Authorize(HttpRequestMessage request)
    {
        if (!string.IsNullOrEmpty(_token))
        {
            request.Headers.TryAddWithoutValidation("dapr-api-token", _token);
        }
    }
}
