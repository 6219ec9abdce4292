namespace Ai.Telemetry;

/// <summary>A provider as spans and metrics name it; the values are boxed once.</summary>
internal sealed class ProviderTags(string kind, Uri? address)
{
    /// <summary><c>gen_ai.provider.name</c>: the protocol, by the conventions' word for it. A compatible server is told by its address.</summary>
    public string Name { get; } = kind switch
    {
        "gemini" => "gcp.gemini",
        "vertex" => "gcp.vertex_ai",
        _ => kind,
    };

    /// <summary><c>server.address</c>; null where calls stay in the process.</summary>
    public string? Address { get; } = address?.Host;

    /// <summary><c>server.port</c>.</summary>
    public object? Port { get; } = address?.Port;
}
