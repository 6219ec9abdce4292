using System.Text.Json;
using Amazon.S3;
using S3Servers;

namespace Platform.Tests;

/// <summary>
/// A bucket for a run, as on a cloud: component <c>objects</c> is the one of <c>components/aws</c> with credentials from the environment, images is told to keep
/// pictures there and finds its credentials in the secret store.
/// </summary>
/// <param name="Address">Of the server.</param>
/// <param name="Name">Of the bucket.</param>
/// <param name="KeyId">Of the credentials.</param>
/// <param name="Secret">Of the credentials.</param>
/// <param name="WriteOnce">Whether the server knows <c>If-None-Match</c>.</param>
public sealed record PictureBucket(string Address, string Name, string KeyId, string Secret, bool WriteOnce)
{
    private const string Region = "us-east-1";

    /// <summary>On the server that checks every signature.</summary>
    public static PictureBucket On(S3Server server) => new(server.Address, S3Server.Bucket, S3Server.AccessKey, S3Server.SecretKey, WriteOnce: true);

    /// <summary>On the server that is not ours. Skips the test where it cannot be had.</summary>
    public static async Task<PictureBucket> OnS3rverAsync()
    {
        var (address, bucket) = await S3rver.NewBucketAsync();
        return new(address, bucket, S3rver.Key, S3rver.Key, WriteOnce: false);
    }

    /// <summary>What lies there, in order.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancellationToken)
    {
        using var client = new AmazonS3Client(KeyId, Secret, new AmazonS3Config { ServiceURL = Address, ForcePathStyle = true, AuthenticationRegion = Region });
        var list = await client.ListObjectsAsync(Name, cancellationToken);
        return [.. (list.S3Objects ?? []).Select(found => found.Key).Order(StringComparer.Ordinal)];
    }

    /// <summary>Environment of the run.</summary>
    internal (string Name, string Value)[] Settings =>
    [
        ("Images__Storage", "S3"), ("Images__S3__Endpoint", Address), ("Images__S3__Bucket", Name), ("Images__S3__ForcePathStyle", "true"),
        ("Images__S3__WriteOnce", WriteOnce ? "true" : "false"), ("Gateway__UploadOrigins__0", Address),
        ("AWS_ACCESS_KEY_ID", KeyId), ("AWS_SECRET_ACCESS_KEY", Secret),
    ];

    /// <summary>Writes the secret into a run's data directory, and a copy of a component set with this bucket. Returns the copy's folder.</summary>
    internal string Prepare(string dataDirectory, string set)
    {
        var credentials = JsonSerializer.Serialize(new { access_key = KeyId, secret_key = Secret });
        File.WriteAllText(Path.Combine(dataDirectory, "secrets.json"), JsonSerializer.Serialize(new Dictionary<string, string> { ["object-store"] = credentials }));
        var folder = Directory.CreateDirectory(Path.Combine(dataDirectory, "components")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(PlatformRun.Root, "components", set)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        var objects = File.ReadAllText(Path.Combine(PlatformRun.Root, "components", "aws", "objects.yaml"))
            .Replace("tandem-objects", Name, StringComparison.Ordinal)
            .Replace(
                "{name: region, value: \"eu-central-1\"}",
                $$"""
                {name: region, value: "{{Region}}"}
                    - {name: endpoint, value: "{{Address}}"}
                    - {name: forcePathStyle, value: "true"}
                """,
                StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "objects.yaml"), objects);
        return folder;
    }
}
