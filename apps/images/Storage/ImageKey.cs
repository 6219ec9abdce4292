using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Images.Storage;

/// <summary>Keys are made by us alone: <c>{channel}/{32 hex digits}{ext}</c>. Nothing of a user's file name but its ending gets in.</summary>
internal static partial class ImageKey
{
    /// <summary>Channels of the API.</summary>
    public static readonly string[] Channels = ["chat", "scan", "my"];

    /// <summary>Folder of what other apps generated; no channel that gives tickets.</summary>
    private const string Generated = "generated";

    /// <summary>A new key; an ending that is not 1–8 letters or digits becomes <c>.bin</c>.</summary>
    public static string Create(string channel, string fileName)
    {
        var extension = Path.GetExtension(fileName).ToLowerInvariant();
        return $"{channel}/{Guid.NewGuid():N}{(Extension().IsMatch(extension) ? extension : ".bin")}";
    }

    /// <summary>The key of the two path segments, or null when they are not of our form (so also no path can be smuggled in).</summary>
    public static string? FromPath(string channel, string file) =>
        Channels.Contains(channel) && FileName().IsMatch(file) ? $"{channel}/{file}" : null;

    /// <summary>A new key of a generated picture; random, because whoever has its address gets it.</summary>
    public static string CreateGenerated(string contentType) =>
        $"{Generated}/{RandomNumberGenerator.GetHexString(32, lowercase: true)}.{(contentType == "image/png" ? "png" : "jpg")}";

    /// <summary>The key of a generated picture's file name, or null when it is not of our form.</summary>
    public static string? FromGeneratedPath(string file) => GeneratedName().IsMatch(file) ? $"{Generated}/{file}" : null;

    /// <summary>The same for the two path segments.</summary>
    public static string? FromGeneratedPath(string folder, string file) => folder == Generated ? FromGeneratedPath(file) : null;

    /// <summary>Where the thumbnail of a picture is.</summary>
    public static string Thumbnail(string key) => $"thumbnails/{key}";

    /// <summary>The SHA-256 of an etag, or null when it is none (so also no path can be smuggled in).</summary>
    public static string? Sha256(string etag) => etag.Trim('"') is var hash && Hash().IsMatch(hash) ? hash : null;

    [GeneratedRegex(@"\A\.[a-z0-9]{1,8}\z")]
    private static partial Regex Extension();

    [GeneratedRegex(@"\A[0-9a-f]{32}\.[a-z0-9]{1,8}\z")]
    private static partial Regex FileName();

    [GeneratedRegex(@"\A[0-9a-f]{32}\.(png|jpg)\z")]
    private static partial Regex GeneratedName();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex Hash();
}
