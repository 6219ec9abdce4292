using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Characters;
using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Contracts.Users;
using Images;
using Imaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using Sidecar.Testing;
using TestKit;
using Users.Erasures;

namespace Users.Tests;

/// <summary>The real users, characters and images on a whole sidecar; auth, desk and scan, which hold data too, are played by small apps.</summary>
internal sealed class ErasurePlatform : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _apps = [];
    private readonly TempDirectory _objects;

    private ErasurePlatform(SidecarHost dapr, TempDirectory objects) => (Dapr, _objects) = (dapr, objects);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public SidecarApp Users { get; private set; } = null!;

    public SidecarApp Characters { get; private set; } = null!;

    public SidecarApp Images { get; private set; } = null!;

    /// <summary>Files of pictures and uploads that are there.</summary>
    public IEnumerable<string> Files => Directory.EnumerateFiles(_objects.Path, "*", SearchOption.AllDirectories);

    public static async Task<ErasurePlatform> StartAsync(int seed = 1, bool withAuth = true)
    {
        var objects = new TempDirectory();
        var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Seed = seed;
            options.DefaultComponents = true;
            options.AddComponent(Components.Broadcast, "pubsub.in-memory");
            options.AddComponent(Components.Objects, "bindings.localstorage", ("rootPath", objects.Path));
            options.AddComponent(Components.Revocations, "state.in-memory", ("keyPrefix", "name"));
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
            options.AddYaml("""
                apiVersion: dapr.io/v1alpha1
                kind: Component
                metadata: {name: cron-erasures}
                spec:
                  type: bindings.cron
                  version: v1
                  metadata: [{name: schedule, value: "@every 1h"}, {name: direction, value: input}]
                scopes: [users]
                """);
        }, Cancel);
        var platform = new ErasurePlatform(dapr, objects);
        platform.Users = await platform.StartAsync<UsersService>(Apps.Users, web => web.ConfigureTestServices(
            services => services.Replace(ServiceDescriptor.Singleton(dapr.Time))));
        platform.Characters = await platform.StartAsync<CharactersService>(Apps.Characters);
        platform.Images = await platform.StartAsync<ImagesService>(Apps.Images, web =>
        {
            web.UseSetting(TestTokens.Setting, TestTokens.Jwks);
            web.UseSetting("Images:ObjectsPath", platform._objects.Path);
            // An upload may stand still for as long as a test holds it.
            web.UseSetting("Images:UploadIdleTimeout", "00:10:00");
            web.ConfigureKestrel(kestrel => kestrel.Limits.MinRequestBodyDataRate = null);
        });
        await platform.PlayAsync(Apps.Scan);
        await platform.PlayAsync(Apps.Desk);
        if (withAuth)
        {
            await platform.PlayAsync(Apps.Auth);
        }

        return platform;
    }

    /// <summary>An app that holds nothing and reports so.</summary>
    public Task PlayAsync(string app) => Dapr.StartAppAsync(app, builder =>
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddErasure();
    }, web =>
    {
        web.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = Components.PubSub, topic = UserTopics.UserDeleted, route = "/on/user-deleted" } });
        web.MapPost("/on/user-deleted", async (JsonElement envelope, ErasureReports reports, CancellationToken cancellationToken) =>
        {
            await reports.SendAsync(app, envelope.GetProperty("data").Deserialize<UserDeleted>(TandemJson.Options)!, cancellationToken);
            return Results.Ok();
        });
    }, Cancel);

    /// <summary>A client that looks like the gateway.</summary>
    public HttpClient Gateway(SidecarApp app, string user, string roles = "user", string provider = "guest")
    {
        var client = Client(app, Apps.Gateway);
        client.DefaultRequestHeaders.Add(UserIdentity.Header, user);
        client.DefaultRequestHeaders.Add(UserIdentity.ProviderHeader, provider);
        client.DefaultRequestHeaders.Add(UserIdentity.RolesHeader, roles);
        client.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.Of(user));
        return client;
    }

    /// <summary>A client that looks like another app.</summary>
    public static HttpClient Client(SidecarApp app, string caller)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{app.AppPort}") };
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", caller);
        client.DefaultRequestHeaders.Add("dapr-api-token", app.AppToken);
        return client;
    }

    public Task RewardAsync(string user, Guid job) => Dapr.Self.PublishAsync(
        Components.PubSub, ScanTopics.ScanRewarded,
        new ScanRewarded(job, DateTimeOffset.UnixEpoch, job, user, new CharacterInfo(Guid.NewGuid(), "char-petty", "페티", "t", "d", null), 10), TandemJson.Options, Cancel);

    /// <summary>A ticket's key.</summary>
    public async Task<string> TicketAsync(HttpClient client)
    {
        using var response = await client.PostAsJsonAsync("/api/v1/images/my", new { filename = "p.png", content_type = "image/png" }, Cancel);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("key").GetString()!;
    }

    /// <summary>The etag of an upload.</summary>
    public async Task<string> UploadAsync(HttpClient client, string key)
    {
        using var response = await client.PutAsync($"/api/v1/images/upload/{key}", Picture(), Cancel);
        response.EnsureSuccessStatusCode();
        return response.Headers.ETag!.Tag;
    }

    public Task<HttpResponseMessage> FinishAsync(HttpClient client, string key, string etag) =>
        client.PostAsJsonAsync("/api/v1/images/my/callback", new { key, etag }, Cancel);

    public static ByteArrayContent Picture()
    {
        var content = new ByteArrayContent(PngEncoder.Encode(new Bitmap(8, 8)));
        content.Headers.ContentType = new("image/png");
        return content;
    }

    public async Task DeleteAsync(HttpClient client)
    {
        using var response = await client.DeleteAsync("/api/v1/users/me", Cancel);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    public Task<Erasure?> ErasureAsync(string user) => Users.GetStateAsync<Erasure>(Components.StateStore, $"erasure:{user}", TandemJson.Options, Cancel);

    /// <summary>Lets time pass until every app has reported.</summary>
    public async Task<Erasure> CompletedAsync(string user)
    {
        var step = TimeSpan.FromMinutes(30);
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromDays(2); passed += step)
        {
            await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
            if (await ErasureAsync(user) is { CompletedAt: not null } erasure)
            {
                return erasure;
            }

            await Dapr.AdvanceAsync(step, Cancel);
        }

        throw new TimeoutException($"not completed: {JsonSerializer.Serialize(await ErasureAsync(user))}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await Dapr.DisposeAsync();
        _objects.Dispose();
    }

    private async Task<SidecarApp> StartAsync<TApp>(string appId, Action<IWebHostBuilder>? configure = null) where TApp : class
    {
        var sidecar = await Dapr.AddAppAsync(appId, cancellationToken: Cancel);
        var app = new WebApplicationFactory<TApp>().WithWebHostBuilder(web =>
        {
            web.UseSidecar(sidecar);
            configure?.Invoke(web);
        });
        app.UseKestrel();
        app.StartServer();
        _apps.Add(app);
        await sidecar.ReadyAsync(cancellationToken: Cancel);
        return sidecar;
    }
}
