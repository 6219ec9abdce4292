using System.Text.Json;
using Dapr.Client;

namespace Dapr.Actors.Client;

/// <summary>How a proxy calls.</summary>
public class ActorProxyOptions
{
    /// <summary>How arguments and results are written and read where they are JSON; default web defaults.</summary>
    public JsonSerializerOptions JsonSerializerOptions
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value));
    } = new(JsonSerializerDefaults.Web);

    /// <summary>Token for the sidecar; default DAPR_API_TOKEN of the environment.</summary>
    public string? DaprApiToken { get; set; } = DaprDefaults.ApiToken(null);

    /// <summary>Address of the sidecar's HTTP API; default of the environment.</summary>
    public string HttpEndpoint { get; set; } = DaprDefaults.HttpEndpoint(null);

    /// <summary>Longest time of one call; default none.</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>Whether typed proxies write JSON; default no, they write data contracts as binary XML.</summary>
    public bool UseJsonSerialization { get; set; }
}
