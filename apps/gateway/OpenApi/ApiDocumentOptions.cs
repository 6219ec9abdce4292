using System.ComponentModel.DataAnnotations;

namespace Gateway.OpenApi;

/// <summary>How the documents of the apps are collected, section <c>Gateway:OpenApi</c>.</summary>
public sealed class ApiDocumentOptions
{
    public const string Section = $"{GatewayOptions.Section}:OpenApi";

    /// <summary>How long the merged document is kept when every app has given its own. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan Refresh { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The same while one is missing. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RefreshMissing { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time limit of one app's answer. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
