using System.Diagnostics;
using System.Globalization;
using Amazon.S3;
using TestServers;

namespace S3Servers;

/// <summary>
/// The npm package s3rver, an S3 server that is not ours: one per test process, which ends with it. It checks key ids and expiry but no signatures; those
/// are what <see cref="S3Server"/> is for. The package is installed once per machine and lock file.
/// </summary>
public static class S3rver
{
    /// <summary>Its only key id and secret.</summary>
    public const string Key = "S3RVER";

    private static Process? _server;
    private static readonly Lazy<Task<string>> Running = new(StartAsync);

    /// <summary>Its address. Skips the test where Node or the package cannot be had.</summary>
    public static Task<string> AddressAsync() => NodeFolder.OrSkipAsync(Running.Value, "s3rver");

    /// <summary>A bucket of the caller's own.</summary>
    public static async Task<(string Address, string Bucket)> NewBucketAsync()
    {
        var (address, bucket) = (await AddressAsync(), $"b{Guid.NewGuid():N}");
        using var client = Client(address);
        await client.PutBucketAsync(bucket);
        return (address, bucket);
    }

    /// <summary>To look at what lies there.</summary>
    public static AmazonS3Client Client(string address) => new(
        Key, Key, new AmazonS3Config { ServiceURL = address, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    private static async Task<string> StartAsync()
    {
        var folder = await NodeFolder.InstallAsync("s3rver");
        using var limit = new CancellationTokenSource(NodeFolder.Patience);
        // Its standard input is closed when this process ends, however it ends: then it ends as well. Held here, or it would be closed before.
        _server = Process.Start(new ProcessStartInfo("node", ["server.cjs"])
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        var port = await _server.StandardOutput.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("s3rver ended at once");
        return string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
    }
}
