using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Images;
using Contracts.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults;
using Sidecar.Testing;
using TestKit;

namespace Images.Tests;

/// <summary>The real images on a whole sidecar, its clock the sidecar's; users, which hears of erasures, is played by a small app.</summary>
internal sealed class ImagesPlatform : IAsyncDisposable
{
    private readonly WebApplicationFactory<ImagesService> _factory;
    private readonly TempDirectory _objects;

    private ImagesPlatform(SidecarHost dapr, SidecarApp images, WebApplicationFactory<ImagesService> factory, TempDirectory objects) =>
        (Dapr, Images, _factory, _objects) = (dapr, images, factory, objects);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public SidecarApp Images { get; }

    /// <summary>Objects that are there, by key.</summary>
    public string[] Objects => [.. Directory.EnumerateFiles(_objects.Path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(_objects.Path, file))];

    public static async Task<ImagesPlatform> StartAsync(params (string Key, string Value)[] settings)
    {
        var objects = new TempDirectory();
        var dapr = await SidecarHost.StartAsync(
            options =>
            {
                options.DefaultComponents = true;
                options.AddComponent(Components.Objects, "bindings.localstorage", ("rootPath", objects.Path));
                options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
            },
            Cancel);
        await dapr.StartAppAsync(Apps.Users, app => app.MapPost("/internal/users/erasures/{user}", (string user) => Results.Ok()), Cancel);
        var sidecar = await dapr.AddAppAsync(Apps.Images, cancellationToken: Cancel);
        var factory = new WebApplicationFactory<ImagesService>().WithWebHostBuilder(web =>
        {
            web.UseSidecar(sidecar);
            web.UseEnvironment("Development");
            web.UseSetting(TestTokens.Setting, TestTokens.Jwks);
            web.UseSetting("Images:ObjectsPath", objects.Path);
            foreach (var (key, value) in settings)
            {
                web.UseSetting($"Images:{key}", value);
            }

            web.ConfigureTestServices(services => services.WithoutRevocations().Replace(ServiceDescriptor.Singleton(dapr.Time)));
        });
        factory.UseKestrel();
        factory.StartServer();
        await sidecar.ReadyAsync(cancellationToken: Cancel);
        return new ImagesPlatform(dapr, sidecar, factory, objects);
    }

    /// <summary>A client as the gateway, for a user or for nobody.</summary>
    public HttpClient Gateway(string? user = "u1")
    {
        var client = Client(Apps.Gateway);
        if (user is not null)
        {
            client.DefaultRequestHeaders.Add(UserIdentity.Header, user);
            client.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.Of(user));
        }

        return client;
    }

    /// <summary>A client as another app.</summary>
    public HttpClient Client(string caller)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Images.AppPort}") };
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", caller);
        client.DefaultRequestHeaders.Add("dapr-api-token", Images.AppToken);
        return client;
    }

    public Task<T?> StateAsync<T>(string key) => Images.GetStateAsync<T>(Components.StateStore, key, TandemJson.Options, Cancel);

    /// <summary>Deletes the account and returns when images has erased what it holds.</summary>
    public async Task EraseAsync(string user)
    {
        await Dapr.Self.PublishAsync(Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), Dapr.Clock.GetUtcNow(), user), TandemJson.Options, Cancel);
        await Dapr.WaitForDeliveredAsync(UserTopics.UserDeleted, Apps.Images, cancellationToken: Cancel);
    }

    /// <summary>What desk calls: status, code of the problem or none, and the answer.</summary>
    public async Task<(int Status, string? Code, StoredImage? Image)> StoreAsync(
        Guid id, byte[] content, string type = "image/png", string owner = "u1", string caller = Apps.Desk)
    {
        using var client = Client(caller);
        using var response = await client.PostAsync(
            $"/internal/images/generated/{id}?owner={owner}", new ByteArrayContent(content) { Headers = { ContentType = new(type) } }, Cancel);
        return ((int)response.StatusCode, await CodeAsync(response),
            response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<StoredImage>(TandemJson.Options, Cancel) : null);
    }

    public static async Task<string?> CodeAsync(HttpResponseMessage response) => response.Content.Headers.ContentType?.MediaType == "application/problem+json"
        ? (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString()
        : null;

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        await Dapr.DisposeAsync();
        _objects.Dispose();
    }
}
