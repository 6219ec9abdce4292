using Auth.Keys;
using Contracts;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults;
using ServiceDefaults.Identity;
using Sidecar.Testing;
using TestKit;

namespace Auth.Tests;

/// <summary>The real auth on a whole sidecar. Requests come as from the gateway.</summary>
internal sealed class AuthPlatform : IAsyncDisposable
{
    /// <summary>Secret that the keys are encrypted with.</summary>
    private static readonly string Secret = new('k', 64);

    /// <summary>The private key of every platform that is not about keys: to make one costs more than all else that such a test does.</summary>
    private static readonly Lazy<byte[]> SharedKey = new(() =>
    {
        using var key = SigningKey.Create("shared", TokenAlgorithms.Rs256);
        return key.ExportPkcs8();
    });

    private AuthPlatform(SidecarHost dapr, SidecarApp sidecar, TimeProvider? clock) => (Dapr, Sidecar, Clock) = (dapr, sidecar, clock ?? Time);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The sidecar: faults, state, what was published.</summary>
    public SidecarHost Dapr { get; }

    /// <summary>The endpoint of auth in it.</summary>
    public SidecarApp Sidecar { get; }

    /// <summary>The clock of the app.</summary>
    public TimeProvider Clock { get; }

    /// <summary>The same, unless it was given another.</summary>
    public ManualTimeProvider Time { get; } = new();

    /// <summary>The running app; replaced by <see cref="StartAppAsync"/>.</summary>
    public WebApplicationFactory<AuthService> App { get; private set; } = null!;

    public static Task<AuthPlatform> StartAsync(Action<SidecarHostOptions>? configure = null, params (string Name, string Value)[] settings) =>
        StartOnAsync(null, configure, settings);

    /// <summary>The same with another clock than <see cref="Time"/>.</summary>
    public static async Task<AuthPlatform> StartOnAsync(
        TimeProvider? clock, Action<SidecarHostOptions>? configure = null, params (string Name, string Value)[] settings)
    {
        var platform = await CreateAsync(clock, configure);
        try
        {
            var now = platform.Clock.GetUtcNow();
            var key = new StoredKey(Guid.CreateVersion7(now).ToString("N"), TokenAlgorithms.Rs256, now, now, new KeyEncryption(Secret).Encrypt(SharedKey.Value));
            await platform.Sidecar.SaveStateAsync(Components.StateStore, KeyRing.StateKey, new StoredKeys([key]), TandemJson.Options, Cancel);
            await platform.StartAppAsync(settings);
            return platform;
        }
        catch
        {
            // Some settings are to stop the start.
            await platform.DisposeAsync();
            throw;
        }
    }

    /// <summary>For the tests about keys: auth begins with none and makes its own.</summary>
    public static async Task<AuthPlatform> StartWithoutKeysAsync(Action<SidecarHostOptions>? configure = null)
    {
        var platform = await CreateAsync(null, configure);
        await platform.StartAppAsync();
        return platform;
    }

    private static async Task<AuthPlatform> CreateAsync(TimeProvider? clock, Action<SidecarHostOptions>? configure)
    {
        var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Secrets[KeyEncryption.SecretName] = Secret;
            options.DefaultComponents = true;
            options.AddComponent(Components.Broadcast, "pubsub.in-memory", ("consumerID", "{uuid}"));
            options.AddComponent(Components.Revocations, "state.in-memory", ("keyPrefix", "name"));
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
            configure?.Invoke(options);
        }, Cancel);
        return new AuthPlatform(dapr, await dapr.AddAppAsync(Apps.Auth, cancellationToken: Cancel), clock);
    }

    /// <summary>Starts the app, or another process of it on the same state.</summary>
    public async Task StartAppAsync(params (string Name, string Value)[] settings)
    {
        App = new WebApplicationFactory<AuthService>().WithWebHostBuilder(builder =>
        {
            builder.UseEnvironment("Development");
            builder.UseSidecar(Sidecar);
            foreach (var (name, value) in settings)
            {
                builder.UseSetting(name, value);
            }

            builder.ConfigureTestServices(services => services.Replace(ServiceDescriptor.Singleton(Clock)));
        });
        App.UseKestrel();
        App.StartServer();
        await Sidecar.ReadyAsync(cancellationToken: Cancel);
    }

    /// <summary>A client that looks like the gateway. It keeps no cookies.</summary>
    public HttpClient Gateway(string? user = null, string? roles = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = App.ClientOptions.BaseAddress,
        };
        client.DefaultRequestHeaders.Add("dapr-api-token", Sidecar.AppToken);
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", Apps.Gateway);
        if (user is not null)
        {
            client.DefaultRequestHeaders.Add("X-User-ID", user);
            client.DefaultRequestHeaders.Add("X-User-Roles", roles ?? "user");
        }

        return client;
    }

    public async ValueTask DisposeAsync()
    {
        if (App is { } app)
        {
            await app.DisposeAsync();
        }

        await Dapr.DisposeAsync();
    }
}
