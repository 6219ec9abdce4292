using System.Net;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using TestKit;

namespace Images.Tests;

/// <summary>The real app on a real port, its records in a sidecar of this build.</summary>
internal sealed class ImagesApp : WebApplicationFactory<ImagesService>
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _objects;
    private readonly string _sidecar;
    private readonly (string Name, string Value)[] _settings;

    public ImagesApp(LocalSidecar sidecar, string objects, params (string Name, string Value)[] settings)
    {
        _sidecar = sidecar.Address;
        _objects = objects;
        _settings = settings;
        UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        StartServer();
    }

    public string TokenOf(string user) => TestTokens.Of(user);

    /// <summary>A client that calls as the gateway does, for a user.</summary>
    public HttpClient ClientOf(string user)
    {
        // The body is sent when the app asks for it: then it has checked what comes before the body.
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = Patience }) { BaseAddress = ClientOptions.BaseAddress, Timeout = Patience };
        client.DefaultRequestHeaders.Authorization = new("Bearer", TokenOf(user));
        client.DefaultRequestHeaders.Add("dapr-api-token", LocalSidecar.AppToken);
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", Contracts.Apps.Gateway);
        client.DefaultRequestHeaders.Add("X-User-ID", user);
        return client;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Development");
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        builder.UseSetting(TestTokens.Setting, TestTokens.Jwks);
        builder.UseSetting("APP_API_TOKEN", LocalSidecar.AppToken);
        builder.UseSetting("DAPR_HTTP_ENDPOINT", _sidecar);
        builder.UseSetting("DAPR_API_TOKEN", LocalSidecar.Token);
        builder.UseSetting("Images:ObjectsPath", _objects);
        builder.ConfigureTestServices(services => services.WithoutRevocations());
        foreach (var (name, value) in _settings)
        {
            builder.UseSetting($"Images:{name}", value);
        }
    }
}
