using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>A fixture of an output binding.</summary>
public interface IBindingFixture : IAsyncDisposable
{
    /// <summary>A binding of component metadata; null means metadata that works.</summary>
    Task<IOutputBinding> BindingAsync(string? metadata = null);

    /// <summary>Names of component metadata without which the component does not start.</summary>
    IReadOnlyList<string> Required { get; }

    /// <summary>A request that succeeds on a new component.</summary>
    BindingRequest Valid();

    /// <summary>The same request without something that it needs, and the name of that.</summary>
    (BindingRequest Request, string Missing) Incomplete();
}

/// <summary>What every output binding does, whatever is behind it.</summary>
public abstract class BindingConformance<TFixture> : IAsyncLifetime where TFixture : IBindingFixture, new()
{
    private readonly TFixture _fixture = new();
    private IOutputBinding _binding = null!;

    public async ValueTask InitializeAsync() => _binding = await _fixture.BindingAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_request_succeeds_also_many_times_at_once()
    {
        await _binding.InvokeAsync(_fixture.Valid(), default);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => _binding.InvokeAsync(_fixture.Valid(), default).AsTask())));
    }

    [Fact]
    public void The_operation_of_a_valid_request_is_one_that_is_declared()
    {
        Assert.Contains(_fixture.Valid().Operation, _binding.Operations);
        Assert.Equal(_binding.Operations.Distinct(), _binding.Operations);
    }

    [Fact]
    public async Task A_request_that_lacks_something_is_refused_by_its_name_and_does_no_harm()
    {
        var (request, missing) = _fixture.Incomplete();

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => _binding.InvokeAsync(request, default).AsTask());

        Assert.True(refused is BindingException or ComponentException, refused.ToString());
        Assert.Contains(missing, refused.Message, StringComparison.Ordinal);
        await _binding.InvokeAsync(_fixture.Valid(), default);
    }

    [Fact]
    public async Task A_request_that_is_called_off_ends_and_the_next_one_succeeds()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _binding.InvokeAsync(_fixture.Valid(), source.Token).AsTask());

        await _binding.InvokeAsync(_fixture.Valid(), default);
    }

    [Fact]
    public async Task Without_metadata_it_does_not_start_and_says_what_is_missing()
    {
        var refused = await Assert.ThrowsAsync<ComponentException>(() => _fixture.BindingAsync(""));

        Assert.Contains(_fixture.Required, name => refused.Message.Contains(name, StringComparison.Ordinal));
    }
}

/// <summary>A fixture of a binding that keeps objects.</summary>
public interface IObjectFixture : IAsyncDisposable
{
    Task<IOutputBinding> ObjectsAsync();

    /// <summary>Request metadata that names an object.</summary>
    string NameField { get; }

    /// <summary>Why creates of one name at the same time are not asked of the server, or null.</summary>
    string? NoConcurrentCreates => null;

    /// <summary>A create of bytes.</summary>
    BindingRequest Create(string? name, byte[] content);

    /// <summary>The list of what is below a folder.</summary>
    BindingRequest List(string folder);

    /// <summary>Names of objects in the answer of a list.</summary>
    IReadOnlyList<string> Names(JsonElement list);

    /// <summary>The object's name in the answer of a create that named none.</summary>
    string NameOf(BindingResponse created);
}

/// <summary>What every binding does that keeps objects: create, get, delete, list.</summary>
public abstract class ObjectConformance<TFixture> : IAsyncLifetime where TFixture : IObjectFixture, new()
{
    private readonly TFixture _fixture = new();
    private IOutputBinding _binding = null!;

    public async ValueTask InitializeAsync() => _binding = await _fixture.ObjectsAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void The_operations_of_objects_are_declared() =>
        Assert.All(["create", "get", "delete", "list"], operation => Assert.Contains(operation, _binding.Operations));

    [Theory]
    [InlineData("plain.jpg")]
    [InlineData("a/folder/of/its own.jpg")]
    [InlineData("a+b=c&d #1.jpg")]
    [InlineData("100%.jpg")]
    [InlineData("100%41.jpg")]
    [InlineData("it's (a) pic*ture!.jpg")]
    [InlineData("재활용/병.jpg")]
    [InlineData("tilde~dash-dot.under_score")]
    public async Task An_object_comes_back_byte_for_byte_whatever_its_name(string name)
    {
        byte[] content = [0, 1, 2, 255, 254, (byte)'"', 0];

        await CreateAsync(name, content);

        Assert.Equal(content, await GetAsync(name));
        Assert.Equal(name, Assert.Single(_fixture.Names(await ListAsync(""))));
    }

    [Fact]
    public async Task Empty_and_large_objects_are_kept()
    {
        var large = new byte[3 * 1024 * 1024 + 1];
        new Random(1).NextBytes(large);

        await CreateAsync("large", large);
        await CreateAsync("empty", []);

        Assert.Equal(large, await GetAsync("large"));
        Assert.Empty(await GetAsync("empty"));
    }

    [Fact]
    public async Task A_json_value_is_kept_as_it_was_sent_and_a_text_without_its_quotes()
    {
        await InvokeAsync("create", "json", """{"a":[1,"two"]}""");
        await InvokeAsync("create", "text", "\"a line\\nand another, ü\"");

        Assert.Equal("""{"a":[1,"two"]}""", Encoding.UTF8.GetString(await GetAsync("json")));
        Assert.Equal("a line\nand another, ü", Encoding.UTF8.GetString(await GetAsync("text")));
    }

    [Fact]
    public async Task A_create_without_a_name_answers_the_name_it_gave()
    {
        var one = _fixture.NameOf(await _binding.InvokeAsync(_fixture.Create(null, [1]), default));
        var two = _fixture.NameOf(await _binding.InvokeAsync(_fixture.Create(null, [2]), default));

        Assert.Equal([1], await GetAsync(one));
        Assert.Equal([2], await GetAsync(two));
    }

    [Fact]
    public async Task The_last_create_of_a_name_wins_as_a_whole()
    {
        await CreateAsync("name", Encoding.UTF8.GetBytes(new string('a', 1000)));
        await CreateAsync("name", [1]);
        Assert.Equal([1], await GetAsync("name"));
    }

    [Fact]
    public async Task Of_creates_at_the_same_time_one_wins_as_a_whole()
    {
        Assert.SkipWhen(_fixture.NoConcurrentCreates is not null, _fixture.NoConcurrentCreates ?? "");
        var contents = Enumerable.Range(0, 10).Select(i => Enumerable.Repeat((byte)i, 50_000).ToArray()).ToArray();
        await Task.WhenAll(contents.Select(content => Task.Run(() => CreateAsync("name", content))));

        Assert.Contains(await GetAsync("name"), contents);
    }

    [Fact]
    public async Task A_missing_object_is_an_error_of_get_and_none_of_delete()
    {
        await CreateAsync("name", [1]);
        await InvokeAsync("delete", "name");
        await InvokeAsync("delete", "name");

        var missing = await Assert.ThrowsAsync<BindingException>(() => GetAsync("name"));

        Assert.Contains("not found", missing.Message, StringComparison.Ordinal);
        Assert.Empty(_fixture.Names(await ListAsync("")));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("delete")]
    public async Task A_name_is_needed(string operation)
    {
        var refused = await Assert.ThrowsAsync<BindingException>(
            () => _binding.InvokeAsync(new BindingRequest(operation, default, ComponentMetadata.Empty), default).AsTask());

        Assert.Contains(_fixture.NameField, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_has_what_is_below_its_folder_and_nothing_else()
    {
        foreach (var name in new[] { "a/1", "a/2", "b/1", "a b/1" })
        {
            await CreateAsync(name, [1]);
        }

        Assert.Equal(["a/1", "a/2"], _fixture.Names(await ListAsync("a")).Order(StringComparer.Ordinal));
        Assert.Equal(["a b/1", "a/1", "a/2", "b/1"], _fixture.Names(await ListAsync("")).Order(StringComparer.Ordinal));
    }

    private async Task CreateAsync(string name, byte[] content) => await _binding.InvokeAsync(_fixture.Create(name, content), default);

    private async Task<byte[]> GetAsync(string name) => (await InvokeAsync("get", name)).Data!.Value.ToArray();

    private async Task<JsonElement> ListAsync(string folder)
    {
        var answer = await _binding.InvokeAsync(_fixture.List(folder), default);
        return JsonDocument.Parse(answer.Data!.Value).RootElement;
    }

    private async Task<BindingResponse> InvokeAsync(string operation, string name, string data = "") => await _binding.InvokeAsync(
        new BindingRequest(operation, Encoding.UTF8.GetBytes(data), new ComponentMetadata([new(_fixture.NameField, name)])), default);
}
