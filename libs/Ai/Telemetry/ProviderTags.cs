using Ai.Providers;

namespace Ai.Telemetry;

/// <summary>A provider as spans and metrics name it; the values are boxed once.</summary>
internal sealed class ProviderTags(ProviderOptions options)
{
    /// <summary><c>gen_ai.provider.name</c>: the protocol, by the conventions' word for it. A compatible server is told by its address.</summary>
    public string Name { get; } = options.Kind switch
    {
        "gemini" => "gcp.gemini",
        "vertex" => "gcp.vertex_ai",
        var kind => kind ?? "openai",
    };

    /// <summary><c>server.address</c>; null where the provider's own address is used.</summary>
    public string? Address { get; } = options.BaseUrl?.Host;

    /// <summary><c>server.port</c>.</summary>
    public object? Port { get; } = options.BaseUrl?.Port;
}
