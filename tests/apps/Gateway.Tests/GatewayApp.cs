using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;
using TestKit;

namespace Gateway.Tests;

/// <summary>The real gateway on a real port, with fakes behind it.</summary>
internal sealed class GatewayApp : WebApplicationFactory<GatewayService>
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, string?> _settings;
    private readonly string _environment;
    private readonly TimeProvider _clock;

    public GatewayApp(FakeServer? sidecar = null, string environment = "Development", TimeProvider? clock = null, params (string Name, string? Value)[] settings)
    {
        _environment = environment;
        _clock = clock ?? TimeProvider.System;
        _settings = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        _settings.TryAdd("DAPR_HTTP_ENDPOINT", sidecar?.Url ?? "http://127.0.0.1:1");
        _settings.TryAdd("DAPR_API_TOKEN", "sidecar-token");
        _settings.TryAdd("Gateway:RestartGrace", "00:00:00.2");
        _settings.TryAdd("Gateway:RetryPause", "00:00:00.02");
        // What answers is waited for, however slow this machine is just now.
        _settings.TryAdd("Gateway:ReadyTimeout", "00:01:00");
        _settings.TryAdd("Gateway:OpenApi:Timeout", "00:01:00");
        _settings.TryAdd("Gateway:ConnectTimeout", "00:01:00");
        _settings.TryAdd("Gateway:ApiKeys:Timeout", "00:01:00");
        // By options: given as a port it is set while the host may already be starting.
        UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        StartServer();
    }

    public string TokenOf(string user) => TestTokens.Of(user, now: _clock.GetUtcNow());

    /// <summary>A client without cookies of its own and without redirects.</summary>
    public HttpClient Client(string? bearerOf = null, string? cookieOf = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = ClientOptions.BaseAddress,
            Timeout = Patience,
        };
        if (bearerOf is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TokenOf(bearerOf));
        }

        if (cookieOf is not null)
        {
            client.DefaultRequestHeaders.Add("Cookie", $"{Services.GetRequiredService<IdentityCookies>().Access}={TokenOf(cookieOf)}");
        }

        return client;
    }

    public static async Task<string?> CodeOf(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        builder.UseSetting(TestTokens.Setting, TestTokens.Jwks);
        builder.UseEnvironment(_environment);
        builder.ConfigureTestServices(services => services.WithoutRevocations().AddSingleton(_clock));
        foreach (var (name, value) in _settings)
        {
            builder.UseSetting(name, value);
        }
    }
}
