using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Tests;

public sealed class LocalComponentsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sidecar-standard");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Stores_returns_lists_and_deletes_a_file()
    {
        await using var storage = await StorageAsync();

        await InvokeAsync(storage, "create", "a/b.bin", JsonSerializer.SerializeToUtf8Bytes(Convert.ToBase64String([1, 2, 255])));

        Assert.Equal([1, 2, 255], (await InvokeAsync(storage, "get", "a/b.bin")).Data!.Value.ToArray());
        var list = JsonSerializer.Deserialize<string[]>((await InvokeAsync(storage, "list", "a")).Data!.Value.Span)!;
        Assert.Equal([Path.Combine(_folder.FullName, "objects", "a", "b.bin")], list);
        Assert.Null((await InvokeAsync(storage, "delete", "a/b.bin")).Data);
        await Assert.ThrowsAsync<BindingException>(() => InvokeAsync(storage, "get", "a/b.bin"));
    }

    [Theory]
    [InlineData("a picture", "a picture")]
    [InlineData("QQ==", "A")]
    [InlineData("QQ", "QQ")]
    public async Task A_text_is_decoded_when_it_is_base64(string text, string stored)
    {
        await using var storage = await StorageAsync();

        await InvokeAsync(storage, "create", "t", JsonSerializer.SerializeToUtf8Bytes(text));

        Assert.Equal(stored, Encoding.UTF8.GetString((await InvokeAsync(storage, "get", "t")).Data!.Value.Span));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("link/outside")]
    public async Task Refuses_names_that_lead_outside_of_the_root(string name)
    {
        await using var storage = await StorageAsync();
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "elsewhere"));
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "objects", "link"), Path.Combine(_folder.FullName, "elsewhere"));

        await Assert.ThrowsAsync<BindingException>(() => InvokeAsync(storage, "create", name, "1"u8.ToArray()));

        Assert.Empty(Directory.EnumerateFiles(_folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Reads_nested_secrets_flattened_or_by_their_first_level()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "s.json"), """{"a":{"b":["x","y"]},"c":"z"}""");
        await using var flat = new LocalFileSecretStore(Context(("secretsFile", "s.json")));
        await using var multiple = new LocalFileSecretStore(Context(("secretsFile", "s.json"), ("multiValued", "true")));
        await flat.InitAsync(CancellationToken.None);
        await multiple.InitAsync(CancellationToken.None);

        Assert.Equal("y", (await flat.GetAsync("a:b:1", ComponentMetadata.Empty, CancellationToken.None))!["a:b:1"]);
        Assert.Null(await flat.GetAsync("a", ComponentMetadata.Empty, CancellationToken.None));
        Assert.Equal("y", (await multiple.GetAsync("a", ComponentMetadata.Empty, CancellationToken.None))!["b:1"]);
        Assert.Equal("z", (await multiple.GetAsync("c", ComponentMetadata.Empty, CancellationToken.None))!["c"]);
    }

    [Fact]
    public async Task Values_that_are_no_text_are_their_json_and_a_first_level_of_many_values_has_none_of_them()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "s.json"), """{"n":1.50,"yes":true,"none":null,"text":"a","list":["x"],"o":{"n":7}}""");
        await using var flat = new LocalFileSecretStore(Context(("secretsFile", "s.json"), ("nestedSeparator", ".")));
        await using var multiple = new LocalFileSecretStore(Context(("secretsFile", "s.json"), ("multiValued", "true")));
        await flat.InitAsync(CancellationToken.None);
        await multiple.InitAsync(CancellationToken.None);

        var all = await flat.GetAllAsync(ComponentMetadata.Empty, CancellationToken.None);
        Assert.Equal(
            ["list.0=x", "n=1.50", "none=null", "o.n=7", "text=a", "yes=true"],
            all.Values.SelectMany(values => values).Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal));
        Assert.Equal(["o", "text"], (await multiple.GetAllAsync(ComponentMetadata.Empty, CancellationToken.None)).Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":")]
    [InlineData(null)]
    public async Task A_secrets_file_that_cannot_be_read_is_named(string? content)
    {
        if (content is not null)
        {
            File.WriteAllText(Path.Combine(_folder.FullName, "s.json"), content);
        }

        await using var store = new LocalFileSecretStore(Context(("secretsFile", "s.json")));

        var refused = await Assert.ThrowsAsync<ComponentException>(() => store.InitAsync(CancellationToken.None));

        Assert.Contains(Path.Combine(_folder.FullName, "s.json"), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_store_has_names_with_its_prefix_without_it()
    {
        Environment.SetEnvironmentVariable("LOCALTEST_KEY", "value");
        await using var store = new LocalEnvSecretStore(Context(("prefix", "LOCALTEST_")));

        Assert.Equal("value", (await store.GetAsync("KEY", ComponentMetadata.Empty, CancellationToken.None))!["KEY"]);
        Assert.Equal("", (await store.GetAsync("UNKNOWN", ComponentMetadata.Empty, CancellationToken.None))!["UNKNOWN"]);
        Assert.Equal(["KEY"], (await store.GetAllAsync(ComponentMetadata.Empty, CancellationToken.None)).Keys);
    }

    [Fact]
    public async Task Environment_store_hides_tokens()
    {
        await using var store = new LocalEnvSecretStore(Context());

        Assert.Equal("", (await store.GetAsync("APP_API_TOKEN", ComponentMetadata.Empty, CancellationToken.None))!["APP_API_TOKEN"]);
        Assert.DoesNotContain(
            await store.GetAllAsync(ComponentMetadata.Empty, CancellationToken.None), entry => entry.Key.StartsWith("DAPR_", StringComparison.Ordinal));
    }

    private async Task<LocalStorageBinding> StorageAsync()
    {
        var storage = new LocalStorageBinding(Context(("rootPath", "objects")));
        await storage.InitAsync(CancellationToken.None);
        return storage;
    }

    private static async Task<BindingResponse> InvokeAsync(IOutputBinding binding, string operation, string name, byte[]? data = null) => await binding.InvokeAsync(
        new BindingRequest(operation, data ?? Encoding.UTF8.GetBytes(""), new ComponentMetadata([new("fileName", name)])), CancellationToken.None);

    private ComponentContext Context(params (string Name, string Value)[] metadata) => new(
        "c", "t", "v1", new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))), "app", 0,
        _folder.FullName, _folder.FullName, new NoServices());

    private sealed class NoServices : IServiceProvider
    {
        public object? GetService(Type serviceType) => null;
    }
}
