using System.ComponentModel.DataAnnotations;
using Contracts;

namespace Users;

/// <summary>Settings of users.</summary>
public sealed class UsersOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Users";

    /// <summary>App ids that hold data of people; an erasure is complete when each has said that it holds nothing more. Default: auth, characters, desk, images, scan.</summary>
    [Required, MinLength(1)]
    public string[] Holders { get; set; } = [Apps.Auth, Apps.Characters, Apps.Desk, Apps.Images, Apps.Scan];

    /// <summary>Wait before a pending erasure is announced again; doubles each time. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ErasureRetry { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Longest such wait. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxErasureRetry { get; set; } = TimeSpan.FromHours(1);

    /// <summary>An erasure that is pending for longer is logged as an error and counted by <c>users.erasures.overdue</c>. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan ErasureOverdue { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long the receipt of a complete erasure, and the mark of the deleted account, are kept. Default 90 days.</summary>
    [Range(typeof(TimeSpan), "31.00:00:00", "3650.00:00:00")]
    public TimeSpan ErasureKept { get; set; } = TimeSpan.FromDays(90);
}
