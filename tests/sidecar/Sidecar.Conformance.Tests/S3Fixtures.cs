using System.Text.Json;
using S3Servers;
using Sidecar.Abstractions;
using Sidecar.Components.Aws;

namespace Sidecar.Conformance.Tests;

/// <summary><c>bindings.aws.s3</c> on a server of the derived class.</summary>
public abstract class S3Fixture : ComponentFixture, IBindingFixture, IObjectFixture
{
    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddAws();

    public IReadOnlyList<string> Required => ["bucket"];

    public string NameField => "key";

    public virtual string? NoConcurrentCreates => null;

    /// <summary>Metadata that works, for a bucket of this fixture.</summary>
    protected abstract Task<string> MetadataAsync();

    public async Task<IOutputBinding> BindingAsync(string? metadata) => await CreateAsync<IOutputBinding>("bindings.aws.s3", "app", 0, metadata ?? await MetadataAsync());

    public Task<IOutputBinding> ObjectsAsync() => BindingAsync(null);

    public BindingRequest Valid() => Create("file", [1]);

    public (BindingRequest, string) Incomplete() => (new BindingRequest("get", default, ComponentMetadata.Empty), NameField);

    public BindingRequest Create(string? name, byte[] content) => new("create", JsonSerializer.SerializeToUtf8Bytes(content), new ComponentMetadata(
        name is null ? [new("decodeBase64", "true")] : [new("decodeBase64", "true"), new(NameField, name)]));

    public BindingRequest List(string folder) =>
        new("list", JsonSerializer.SerializeToUtf8Bytes(new { prefix = folder.Length == 0 ? "" : folder + "/" }), ComponentMetadata.Empty);

    public IReadOnlyList<string> Names(JsonElement list) => [.. list.GetProperty("Contents").EnumerateArray().Select(entry => entry.GetProperty("Key").GetString()!)];

    public string NameOf(BindingResponse created) => created.Metadata[NameField]!;
}

/// <summary>On the server that checks every signature.</summary>
public sealed class StrictS3Fixture : S3Fixture
{
    private S3Server? _server;

    protected override async Task<string> MetadataAsync()
    {
        _server ??= await S3Server.StartAsync();
        return $"bucket={S3Server.Bucket};endpoint={_server.Address};forcePathStyle=true;accessKey={S3Server.AccessKey};secretKey={S3Server.SecretKey}";
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

public sealed class StrictS3BindingTests : BindingConformance<StrictS3Fixture>;

public sealed class StrictS3ObjectTests : ObjectConformance<StrictS3Fixture>;

/// <summary>On a server that other people wrote.</summary>
public sealed class S3rverFixture : S3Fixture
{
    public override string? NoConcurrentCreates => "s3rver writes content and checksum of an object one after the other";

    protected override async Task<string> MetadataAsync()
    {
        var (address, bucket) = await S3rver.NewBucketAsync();
        return $"bucket={bucket};endpoint={address};forcePathStyle=true;accessKey={S3rver.Key};secretKey={S3rver.Key}";
    }
}

public sealed class S3rverBindingTests : BindingConformance<S3rverFixture>;

public sealed class S3rverObjectTests : ObjectConformance<S3rverFixture>;
