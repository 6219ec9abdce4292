using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Components.Standard;

namespace Sidecar.Conformance.Tests;

public sealed class LocalStorageFixture : ComponentFixture, IBindingFixture, IObjectFixture
{
    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddStandard();

    public IReadOnlyList<string> Required => ["rootPath"];

    public string NameField => "fileName";

    public Task<IOutputBinding> BindingAsync(string? metadata) => CreateAsync<IOutputBinding>("bindings.localstorage", "app", 0, metadata ?? "rootPath=objects");

    public Task<IOutputBinding> ObjectsAsync() => BindingAsync(null);

    public BindingRequest Valid() => Create("file", [1]);

    public (BindingRequest, string) Incomplete() => (new BindingRequest("get", default, ComponentMetadata.Empty), NameField);

    public BindingRequest Create(string? name, byte[] content) => new(
        "create", JsonSerializer.SerializeToUtf8Bytes(content), name is null ? ComponentMetadata.Empty : new ComponentMetadata([new(NameField, name)]));

    public BindingRequest List(string folder) => new("list", default, new ComponentMetadata([new(NameField, folder)]));

    public IReadOnlyList<string> Names(JsonElement list) => [.. list.EnumerateArray().Select(path => Name(path.GetString()!))];

    public string NameOf(BindingResponse created) => Name(JsonDocument.Parse(created.Data!.Value).RootElement.GetProperty("fileName").GetString()!);

    private static string Name(string path) => path.Split("/objects/", 2)[1];
}

public sealed class LocalStorageBindingTests : BindingConformance<LocalStorageFixture>;

public sealed class LocalStorageObjectTests : ObjectConformance<LocalStorageFixture>;
