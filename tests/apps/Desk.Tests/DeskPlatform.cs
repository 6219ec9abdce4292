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
using Webhooks;

namespace Desk.Tests;

/// <summary>The real desk on a whole sidecar, its clock the sidecar's, and a receiver.</summary>
internal sealed class DeskPlatform : IAsyncDisposable
{
    private readonly WebApplicationFactory<DeskService> _factory;

    private DeskPlatform(SidecarHost dapr, SidecarApp desk, WebApplicationFactory<DeskService> factory, Receiver receiver) =>
        (Dapr, Desk, _factory, Receiver) = (dapr, desk, factory, receiver);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public SidecarApp Desk { get; }

    public Receiver Receiver { get; }

    /// <summary>Starts it with a new secret; <paramref name="older"/> is one that is still signed with, and the receiver's.</summary>
    public static Task<DeskPlatform> StartAsync(WebhookSecret? older = null, params (string Key, string Value)[] settings) =>
        StartAsync(resolver: null, "Development", older, startTime: null, settings);

    /// <summary>The same in another environment, with names that mean what the test says, or with a clock that starts at another time.</summary>
    public static async Task<DeskPlatform> StartAsync(
        IHostResolver? resolver, string environment, WebhookSecret? older = null, DateTimeOffset? startTime = null, params (string Key, string Value)[] settings)
    {
        var secret = WebhookSecret.Generate();
        var dapr = await SidecarHost.StartAsync(options =>
        {
            options.DefaultComponents = true;
            options.StartTime = startTime;
            options.Secrets["callback-signing"] = older is null ? secret.Reveal() : $"{secret.Reveal()} {older.Reveal()}";
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
        }, Cancel);
        var receiver = await Receiver.StartAsync(older ?? secret, dapr.Time);
        receiver.Picture = PngEncoder.Encode(new Bitmap(64, 64));
        var sidecar = await dapr.AddAppAsync(Apps.Desk, cancellationToken: Cancel);
        var factory = new WebApplicationFactory<DeskService>().WithWebHostBuilder(web =>
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
        await sidecar.ReadyAsync(cancellationToken: Cancel);
        await sidecar.WorkerReadyAsync(cancellationToken: Cancel);
        return new DeskPlatform(dapr, sidecar, factory, receiver);
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

    public async Task<JsonElement> ClassifyAsync(string requestId = "r1", string? callbackUrl = null, string user = "u1", string picture = "desk")
    {
        using var client = ClientOf(user);
        using var response = await client.PostAsJsonAsync(
            "/api/v1/desk/classify",
            new { initial_image_url = Receiver.PictureUrlOf(picture), request_id = requestId, callback_url = callbackUrl ?? Receiver.Url }, Cancel);
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

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        await Dapr.DisposeAsync();
        await Receiver.DisposeAsync();
    }
}
