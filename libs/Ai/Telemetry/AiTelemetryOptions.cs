using System.ComponentModel.DataAnnotations;

namespace Ai.Telemetry;

/// <summary>What the spans of model calls may hold: section <c>Ai:Telemetry</c>.</summary>
public sealed class AiTelemetryOptions
{
    /// <summary>
    /// Whether spans hold what was said: messages, answers, names and arguments of tools. Default false, because that is personal. Pictures never are.
    /// </summary>
    public bool CaptureContent { get; set; }

    /// <summary>Longest content of one attribute, characters of text; what is over is cut. Default 4,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxContentLength { get; set; } = 4_000;
}
