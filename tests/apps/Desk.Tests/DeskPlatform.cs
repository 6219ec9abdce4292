using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Imaging;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults;
using ServiceDefaults.GuardedFetch;
using Sidecar.Testing;
using TestKit;
using Webhooks;

namespace Desk.Tests;

/// <summary>The real desk on a whole sidecar, its clock the sidecar's, and a receiver; for tasks the real event-router and images, too.</summary>
internal sealed class DeskPlatform : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _apps;
    private readonly TempDirectory _objects;

    private DeskPlatform(SidecarHost dapr, SidecarApp desk, List<IAsyncDisposable> apps, TempDirectory objects, Receiver receiver) =>
        (Dapr, Desk, _apps, _objects, Receiver) = (dapr, desk, apps, objects, receiver);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public SidecarApp Desk { get; }

    public Receiver Receiver { get; }

    /// <summary>Keys of the stored pictures.</summary>
    public string[] Objects => [.. Directory.EnumerateFiles(_objects.Path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(_objects.Path, file))];

    /// <summary>Where the folder of the output bindings has a file.</summary>
    public string PathOf(string file) => Path.Combine(_objects.Path, file);

    /// <summary>Starts it with a new secret; <paramref name="older"/> is one that is still signed with, and the receiver's.</summary>
    public static Task<DeskPlatform> StartAsync(WebhookSecret? older = null, params (string Key, string Value)[] settings) =>
        StartAsync(resolver: null, "Development", older, startTime: null, settings);

    /// <summary>The same in another environment, with names that mean what the test says, or with a clock that starts at another time.</summary>
    public static Task<DeskPlatform> StartAsync(
        IHostResolver? resolver, string environment, WebhookSecret? older = null, DateTimeOffset? startTime = null, params (string Key, string Value)[] settings) =>
        StartAsync(resolver, environment, older, startTime, withTasks: false, settings);

    /// <summary>Starts it with what tasks need. Whatever the photo shows is a desk to it, unless a setting says otherwise.</summary>
    public static Task<DeskPlatform> StartWithTasksAsync(params (string Key, string Value)[] settings) => StartWithTasksAsync(startTime: null, settings);

    /// <summary>The same with a clock that starts at another time.</summary>
    public static Task<DeskPlatform> StartWithTasksAsync(DateTimeOffset? startTime, params (string Key, string Value)[] settings) =>
        StartAsync(resolver: null, "Development", older: null, startTime, withTasks: true, [("Desk:LocalThreshold", "0.001"), .. settings]);

    private static async Task<DeskPlatform> StartAsync(
        IHostResolver? resolver, string environment, WebhookSecret? older, DateTimeOffset? startTime, bool withTasks, (string Key, string Value)[] settings)
    {
        var secret = WebhookSecret.Generate();
        var objects = new TempDirectory();
        var dapr = await SidecarHost.StartAsync(options =>
        {
            options.DefaultComponents = true;
            options.StartTime = startTime;
            options.Secrets["callback-signing"] = older is null ? secret.Reveal() : $"{secret.Reveal()} {older.Reveal()}";
            options.AddComponent(Components.JobLog, "state.in-memory", ("keyPrefix", "name"));
            options.AddComponent(Components.Broadcast, "pubsub.in-memory");
            options.AddComponent(Components.Objects, "bindings.localstorage", ("rootPath", objects.Path));
            options.AddComponent("stream", "bindings.localstorage", ("rootPath", objects.Path));
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
            options.ConfigurationFile = Path.Combine(AppContext.BaseDirectory, "dapr-config.yaml");
        }, Cancel);
        var receiver = await Receiver.StartAsync(older ?? secret, dapr.Time);
        receiver.Picture = PngEncoder.Encode(new Bitmap(64, 64));
        List<IAsyncDisposable> apps = [];
        if (withTasks)
        {
            await StartAppAsync<EventRouter.EventRouterService>(dapr, apps, Apps.EventRouter, environment, resolver, []);
            await StartAppAsync<Images.ImagesService>(
                dapr, apps, Apps.Images, environment, resolver, [(TestTokens.Setting, TestTokens.Jwks), ("Images:ObjectsPath", objects.Path)]);
        }

        var desk = await StartAppAsync<DeskService>(dapr, apps, Apps.Desk, environment, resolver, settings);
        await desk.WorkerReadyAsync(cancellationToken: Cancel);
        return new DeskPlatform(dapr, desk, apps, objects, receiver);
    }

    private static async Task<SidecarApp> StartAppAsync<TService>(
        SidecarHost dapr, List<IAsyncDisposable> apps, string appId, string environment, IHostResolver? resolver, IEnumerable<(string Key, string Value)> settings)
        where TService : class
    {
        var sidecar = await dapr.AddAppAsync(appId, cancellationToken: Cancel);
        var factory = new WebApplicationFactory<TService>().WithWebHostBuilder(web =>
        {
            web.UseSidecar(sidecar);
            web.UseEnvironment(environment);
            foreach (var (key, value) in settings)
            {
                web.UseSetting(key, value);
            }

            web.ConfigureTestServices(services =>
            {
                services.Replace(ServiceDescriptor.Singleton(dapr.Time));
                if (resolver is not null)
                {
                    services.Replace(ServiceDescriptor.Singleton(resolver));
                }
            });
        });
        factory.UseKestrel();
        factory.StartServer();
        apps.Insert(0, factory);
        await sidecar.ReadyAsync(cancellationToken: Cancel);
        return sidecar;
    }

    /// <summary>A client behind the gateway.</summary>
    public HttpClient ClientOf(string user)
    {
        var client = Direct();
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", Apps.Gateway);
        client.DefaultRequestHeaders.Add("dapr-api-token", Desk.AppToken);
        client.DefaultRequestHeaders.Add(UserIdentity.Header, user);
        return client;
    }

    /// <summary>A client at the app's own port.</summary>
    public HttpClient Direct() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Desk.AppPort}") };

    /// <summary>Has the receiver's picture judged; a desk is restyled as well where there is what tasks need.</summary>
    public async Task<JsonElement> ClassifyAsync(string requestId = "r1", string? callbackUrl = null, string user = "u1", string picture = "desk")
    {
        using var client = ClientOf(user);
        using var response = await client.PostAsJsonAsync(
            "/api/v1/desk/classify",
            new { initial_image_url = Receiver.PictureUrlOf(picture), request_id = requestId, callback_url = callbackUrl ?? Receiver.Url, auto_generate = _apps.Count > 1 }, Cancel);
        var text = await response.Content.ReadAsStringAsync(Cancel);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    /// <summary>The log of a delivery, as its owner sees it.</summary>
    public async Task<JsonElement> DeliveryAsync(string id, string user = "u1")
    {
        using var client = ClientOf(user);
        return await client.GetFromJsonAsync<JsonElement>($"/api/v1/desk/callbacks/{id}", Cancel);
    }

    /// <summary>Lets time pass, from timer to timer, until a delivery has ended. Returns how much.</summary>
    public async Task<TimeSpan> EndOfAsync(string id, string user = "u1")
    {
        var started = Dapr.Clock.GetUtcNow();
        await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
        while ((await DeliveryAsync(id, user)).GetProperty("state").GetString() == "pending")
        {
            Assert.True(Dapr.Clock.GetUtcNow() - started < TimeSpan.FromDays(8), $"{await DeliveryAsync(id, user)}");
            Dapr.Clock.AdvanceToNextTimer();
            await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
        }

        return Dapr.Clock.GetUtcNow() - started;
    }

    /// <summary>Asks for a new desk.</summary>
    public async Task<(int Status, JsonElement Body)> GenerateAsync(object request, string user = "u1", string path = "/api/v1/desk/v1/generate")
    {
        using var client = ClientOf(user);
        using var response = await client.PostAsJsonAsync(path, request, Cancel);
        return ((int)response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancel)));
    }

    /// <summary>Asks for a new desk of the receiver's picture, told to the receiver; returns the task.</summary>
    public async Task<string> BeginAsync(string requestId = "r1", string picture = "desk", string user = "u1", string concept = "BASIC")
    {
        var (status, body) = await GenerateAsync(
            new { initial_image_url = Receiver.PictureUrlOf(picture), request_id = requestId, callback_url = Receiver.Url, concept }, user);
        Assert.True(status == 202, $"{status} {body}");
        return body.GetProperty("task_id").GetString()!;
    }

    /// <summary>A task as its owner sees it.</summary>
    public async Task<JsonElement> TaskAsync(string id, string user = "u1", string query = "")
    {
        using var client = ClientOf(user);
        return await client.GetFromJsonAsync<JsonElement>($"/api/v1/desk/v1/tasks/{id}{query}", Cancel);
    }

    /// <summary>Lets time pass, from timer to timer, until a task has ended and its callback, if any, is delivered or dead. Returns the task.</summary>
    public async Task<JsonElement> EndOfTaskAsync(string id, string user = "u1")
    {
        var started = Dapr.Clock.GetUtcNow();
        await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
        while (await TaskAsync(id, user) is var task)
        {
            if (task.GetProperty("status").GetString() is "done" or "failed" or "rejected")
            {
                await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
                return task;
            }

            Assert.True(Dapr.Clock.GetUtcNow() - started < TimeSpan.FromHours(1), $"{task}\n{Dapr.Logs}");
            Dapr.Clock.AdvanceToNextTimer();
            await Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
        }

        throw new InvalidOperationException("unreachable");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await Dapr.DisposeAsync();
        await Receiver.DisposeAsync();
        _objects.Dispose();
    }
}
