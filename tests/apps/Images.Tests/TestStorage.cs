using System.Text.Json;
using Contracts;
using S3Servers;
using Sidecar.Testing;
using TestKit;

namespace Images.Tests;

/// <summary>A store of pictures for one test: the settings of images for it, and component <c>objects</c> on the same.</summary>
public abstract class TestStorage : IAsyncDisposable
{
    /// <summary>What lies where unfinished uploads do.</summary>
    public abstract IReadOnlyList<string> Uploads { get; }

    /// <summary>Keys of everything else.</summary>
    public abstract IReadOnlyList<string> Objects { get; }

    /// <summary>Settings of images.</summary>
    public abstract IReadOnlyList<(string Key, string Value)> Settings { get; }

    public abstract Task StartAsync();

    /// <summary>Adds the component, and the secret where one is needed.</summary>
    public abstract void Configure(SidecarHostOptions options);

    public abstract byte[] Read(string key);

    public abstract ValueTask DisposeAsync();
}

/// <summary>A folder.</summary>
public sealed class FolderStorage : TestStorage
{
    private readonly TempDirectory _folder = new();

    public string Path => _folder.Path;

    public override IReadOnlyList<string> Uploads => [.. Files.Where(file => file.StartsWith(".uploads/", StringComparison.Ordinal))];

    public override IReadOnlyList<string> Objects => [.. Files.Where(file => !file.StartsWith(".uploads/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public override IReadOnlyList<(string Key, string Value)> Settings => [("ObjectsPath", _folder.Path)];

    private IEnumerable<string> Files =>
        Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Select(file => System.IO.Path.GetRelativePath(_folder.Path, file));

    public override Task StartAsync() => Task.CompletedTask;

    public override void Configure(SidecarHostOptions options) => options.AddComponent(Components.Objects, "bindings.localstorage", ("rootPath", _folder.Path));

    public override byte[] Read(string key) => File.ReadAllBytes(System.IO.Path.Combine(_folder.Path, key));

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A bucket on a server that other people wrote. It keeps no checksums and knows no <c>If-None-Match</c>. Skips the test where it cannot be had.</summary>
public sealed class S3rverStorage : TestStorage
{
    private string _address = "";
    private string _bucket = "";
    private Amazon.S3.AmazonS3Client _client = null!;

    public override IReadOnlyList<string> Uploads => [.. Keys.Where(key => key.StartsWith("uploads/", StringComparison.Ordinal))];

    public override IReadOnlyList<string> Objects => [.. Keys.Where(key => !key.StartsWith("uploads/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public override IReadOnlyList<(string Key, string Value)> Settings =>
        [("Storage", "S3"), ("ObjectsPath", "/nowhere"), ("S3:Endpoint", _address), ("S3:Bucket", _bucket), ("S3:ForcePathStyle", "true"), ("S3:WriteOnce", "false")];

    private IEnumerable<string> Keys =>
        _client.ListObjectsAsync(_bucket).GetAwaiter().GetResult().S3Objects?.Select(found => found.Key) ?? [];

    public override async Task StartAsync()
    {
        (_address, _bucket) = await S3rver.NewBucketAsync();
        _client = S3rver.Client(_address);
    }

    public override void Configure(SidecarHostOptions options)
    {
        options.AddComponent(
            Components.Objects, "bindings.aws.s3", ("bucket", _bucket), ("endpoint", _address), ("forcePathStyle", "true"), ("accessKey", S3rver.Key), ("secretKey", S3rver.Key));
        options.Secrets["object-store"] = JsonSerializer.Serialize(new { access_key = S3rver.Key, secret_key = S3rver.Key });
    }

    public override byte[] Read(string key) => throw new NotSupportedException();

    public override ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A bucket on the server that checks every signature.</summary>
public sealed class BucketStorage : TestStorage
{
    private S3Server _server = null!;

    internal S3Server Server => _server;

    /// <summary>The server's clock.</summary>
    public ManualTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());

    public override IReadOnlyList<string> Uploads => [.. Server.Objects.Keys.Where(key => key.StartsWith("uploads/", StringComparison.Ordinal))];

    public override IReadOnlyList<string> Objects => [.. Server.Objects.Keys.Where(key => !key.StartsWith("uploads/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public override IReadOnlyList<(string Key, string Value)> Settings =>
        [("Storage", "S3"), ("ObjectsPath", "/nowhere"), ("S3:Endpoint", Server.Address), ("S3:Bucket", S3Server.Bucket), ("S3:ForcePathStyle", "true")];

    public override async Task StartAsync() => _server = await S3Server.StartAsync(Clock);

    public override void Configure(SidecarHostOptions options)
    {
        options.AddComponent(
            Components.Objects, "bindings.aws.s3", ("bucket", S3Server.Bucket), ("endpoint", Server.Address), ("forcePathStyle", "true"),
            ("accessKey", S3Server.AccessKey), ("secretKey", S3Server.SecretKey));
        options.Secrets["object-store"] = Secret(S3Server.SecretKey);
    }

    /// <summary>The secret as a store has it that keeps one text per secret.</summary>
    public static string Secret(string secretKey) => JsonSerializer.Serialize(new { access_key = S3Server.AccessKey, secret_key = secretKey });

    public override byte[] Read(string key) => Server.Objects[key].Content;

    public override ValueTask DisposeAsync() => Server.DisposeAsync();
}
