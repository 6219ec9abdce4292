using System.ComponentModel.DataAnnotations;

namespace Gateway.ApiKeys;

/// <summary>How the gateway trades API keys for tokens, section <c>Gateway:ApiKeys</c>.</summary>
public sealed class ApiKeyOptions
{
    public const string Section = $"{GatewayOptions.Section}:ApiKeys";

    /// <summary>Keys whose tokens are held; when there are more, all are asked for anew. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxHeld { get; set; } = 10_000;

    /// <summary>How long before its end a token is replaced, at most half of its life. Default 1 min: a request that lasts takes its token along.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan RenewBefore { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Time limit of one exchange. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
