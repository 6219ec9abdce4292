namespace NaverServers;

/// <summary>How the server behaves from now on; as JSON the body of <c>PUT /control</c>.</summary>
public sealed record NaverBehaviour
{
    /// <summary>Client id that is known.</summary>
    public string ClientId { get; init; } = "tandem-dev";

    /// <summary>Its secret.</summary>
    public string ClientSecret { get; init; } = "tandem-dev-secret";

    /// <summary>Requests that are answered; those beyond get 429 with code 010. Default 25,000.</summary>
    public int Quota { get; init; } = 25_000;

    /// <summary>Requests that are answered within a second; those beyond get 429 with code 012. Default 0: any number.</summary>
    public int PerSecond { get; init; }

    /// <summary>How long an answer takes. Default none.</summary>
    public TimeSpan Latency { get; init; }
}
