namespace Dapr.Client;

/// <summary>
/// Sends requests for <c>http://{app id}/{path}</c> through the sidecar: the host becomes
/// <c>{endpoint}/v1.0/invoke/{app id}/method/{path}</c> (dapr-sdk §4).
/// </summary>
public class InvocationHandler : DelegatingHandler
{
    private Uri _endpoint = new(DaprDefaults.HttpEndpoint(null));
    private readonly string _token = DaprDefaults.ApiToken(null);

    /// <summary>Uses endpoint and token of the environment.</summary>
    public InvocationHandler() { }

    /// <summary>Address of the sidecar's HTTP API.</summary>
    public string DaprEndpoint
    {
        get => _endpoint.ToString();
        set => _endpoint = Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ArgumentException("The endpoint must be an http or https address.", nameof(value));
    }

    /// <summary>Target of requests whose host differs from it only in case: host names are lower-cased, app ids need not be.</summary>
    public string? DefaultAppId { get; set; }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var original = request.RequestUri ?? throw new ArgumentException("The request has no address.", nameof(request));
        var appId = original.Host.Equals(DefaultAppId, StringComparison.OrdinalIgnoreCase) ? DefaultAppId! : original.Host;
        request.RequestUri = new Uri(_endpoint, $"/v1.0/invoke/{appId}/method{original.PathAndQuery}");
        if (_token.Length > 0 && !request.Headers.Contains(DaprDefaults.TokenHeader))
        {
            request.Headers.Add(DaprDefaults.TokenHeader, _token);
        }

        try
        {
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            request.RequestUri = original;
        }
    }
}
