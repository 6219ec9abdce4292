using System.ComponentModel.DataAnnotations;

namespace Gateway.ExtAuthz;

/// <summary>The gateway's decision for Envoy and Istio, section <c>Gateway:ExtAuthz</c>.</summary>
public sealed class ExtAuthzOptions
{
    public const string Section = $"{GatewayOptions.Section}:ExtAuthz";

    /// <summary>
    /// Port of the checks, for the proxies alone: what they send is believed. 0 takes a free one. Default none: there are no checks.
    /// </summary>
    [Range(0, 65535)]
    public int? Port { get; set; }

    /// <summary>What Envoy puts before the path (<c>path_prefix</c>, with Istio <c>pathPrefix</c>). Default nothing.</summary>
    [RegularExpression("^(/[A-Za-z0-9_-]+)*$")]
    public string PathPrefix { get; set; } = "";
}
