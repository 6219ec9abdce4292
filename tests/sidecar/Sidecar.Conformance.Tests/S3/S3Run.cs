using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using S3Servers;
using Sidecar.Components.Aws;
using TestKit;

namespace Sidecar.Conformance.Tests.S3;

/// <summary>A strict server and a binding that knows it.</summary>
internal sealed class S3Run : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<IOutputBinding> _bindings = [];

    private S3Run(S3Server server) => Server = server;

    public S3Server Server { get; }

    /// <summary>The folder that relative paths of metadata are relative to.</summary>
    public string Folder => _directory.Path;

    public static async Task<S3Run> StartAsync(TimeProvider? time = null, string? sessionToken = null, bool tls = false) =>
        new(await S3Server.StartAsync(time, sessionToken, tls));

    /// <summary>A binding with good metadata, changed as given: <c>name=value;name=</c>, an empty value takes it away.</summary>
    public async Task<IOutputBinding> BindingAsync(string changes = "")
    {
        var metadata = new Dictionary<string, string>
        {
            ["bucket"] = S3Server.Bucket, ["endpoint"] = Server.Address, ["forcePathStyle"] = "true", ["accessKey"] = S3Server.AccessKey, ["secretKey"] = S3Server.SecretKey,
        };
        foreach (var change in changes.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)))
        {
            metadata[change[0]] = change[1];
        }

        var registry = new ComponentRegistry().AddAws();
        var binding = (IOutputBinding)registry.Find("bindings.aws.s3")!(new ComponentContext(
            "objects", "bindings.aws.s3", "v1", new ComponentMetadata(metadata), "app", 0, Folder, Folder, new ServiceCollection().BuildServiceProvider()));
        _bindings.Add(binding);
        await binding.InitAsync(default);
        return binding;
    }

    public static async Task<BindingResponse> InvokeAsync(IOutputBinding binding, string operation, string data = "", params (string Name, string Value)[] metadata) =>
        await binding.InvokeAsync(
            new BindingRequest(operation, Encoding.UTF8.GetBytes(data), new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)))), default);

    /// <summary>The sentence that a failing operation says.</summary>
    public static async Task<string> FailAsync(IOutputBinding binding, string operation, string data = "", params (string Name, string Value)[] metadata) =>
        (await Assert.ThrowsAsync<BindingException>(() => InvokeAsync(binding, operation, data, metadata))).Message;

    public static JsonElement Json(BindingResponse response) => JsonDocument.Parse(response.Data!.Value).RootElement;

    public async ValueTask DisposeAsync()
    {
        foreach (var binding in _bindings)
        {
            await binding.DisposeAsync();
        }

        await Server.DisposeAsync();
        _directory.Dispose();
    }
}
