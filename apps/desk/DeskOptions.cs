using System.ComponentModel.DataAnnotations;

namespace Desk;

/// <summary>Settings of desk.</summary>
public sealed class DeskOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Desk";

    /// <summary>Hosts of our own picture addresses, <c>host</c> (any port) or <c>host:port</c>. Default localhost and 127.0.0.1.</summary>
    public IList<string> ImageHosts { get; } = [];

    /// <summary>From this resemblance on the local check says desk; chosen for at most 5 % false positives (docs/desk.md). Default 0.15.</summary>
    [Range(0.001, 0.999)]
    public double LocalThreshold { get; set; } = 0.15;

    /// <summary>From this confidence on a vision model's word is desk. Default 0.5.</summary>
    [Range(0.001, 0.999)]
    public double ModelThreshold { get; set; } = 0.5;

    /// <summary>Pictures that are decoded at a time. Default 2, as many as the cores that it is given; one of 40 megapixels takes up to 20 MB beside its file.</summary>
    [Range(1, 100)]
    public int DecodeConcurrency { get; set; } = 2;

    /// <summary>
    /// Requests whose pictures wait to be decoded, each with its file of up to 10 MiB; beyond them 503. Default 30, some seconds' work. Steps of tasks wait in a line of
    /// their own, whose turn is every other one.
    /// </summary>
    [Range(0, 10_000)]
    public int DecodeQueue { get; set; } = 30;

    /// <summary>How long the judgement of a picture is kept under the SHA-256 of its bytes. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan VerdictKept { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Whether the original paths without prefix (<c>/classify</c>, <c>/healthcheck</c>, <c>/info</c>, <c>/categories</c> …) answer on the app's own port, where no gateway asks who
    /// somebody is. Default: in Development only.
    /// </summary>
    public bool? OriginalPaths { get; set; }
}
