using System.Text.Json;

namespace Dapr.Client;

/// <summary>Makes a <see cref="DaprClient"/>.</summary>
public sealed class DaprClientBuilder
{
    private string _endpoint = DaprDefaults.HttpEndpoint(null);
    private string _token = DaprDefaults.ApiToken(null);
    private JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);
    private TimeSpan _timeout;

    /// <summary>Starts from the environment.</summary>
    public DaprClientBuilder() { }

    /// <summary>Sets the address of the sidecar's HTTP API.</summary>
    public DaprClientBuilder UseHttpEndpoint(string httpEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(httpEndpoint);
        _endpoint = new Uri(httpEndpoint).GetLeftPart(UriPartial.Authority);
        return this;
    }

    /// <summary>Accepted for compatibility: this client uses the HTTP API only.</summary>
    public DaprClientBuilder UseGrpcEndpoint(string grpcEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(grpcEndpoint);
        return this;
    }

    /// <summary>Sets how values are written and read; default web defaults.</summary>
    public DaprClientBuilder UseJsonSerializationOptions(JsonSerializerOptions options)
    {
        _json = options;
        return this;
    }

    /// <summary>Sets the token sent to the sidecar.</summary>
    public DaprClientBuilder UseDaprApiToken(string apiToken)
    {
        _token = apiToken;
        return this;
    }

    /// <summary>Sets the longest time of one call; default none.</summary>
    public DaprClientBuilder UseTimeout(TimeSpan timeout)
    {
        _timeout = timeout;
        return this;
    }

    /// <summary>Makes the client.</summary>
    public DaprClient Build() => new DaprHttpClient(new SidecarConnection(_endpoint, _token, _timeout), _json);
}
