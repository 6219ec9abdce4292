using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using TestKit;
using Sse.Streams;

namespace Sse.Tests;

/// <summary>The real app on a real port, its log in memory.</summary>
internal sealed class SseApp : WebApplicationFactory<SseService>
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, string> _settings;

    /// <summary>A setting whose name has no section is one of <c>Sse</c>.</summary>
    public SseApp(params (string Name, string Value)[] settings)
    {
        _settings = settings.ToDictionary(setting => setting.Name.Contains(':') ? setting.Name : $"Sse:{setting.Name}", setting => setting.Value);
        // By options: given as a port it is set while the host may already be starting.
        UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        StartServer();
    }

    public FakeJobLogs Logs { get; } = new();

    public StreamHub Hub => Services.GetRequiredService<StreamHub>();

    public KeepAliveService KeepAlive => Services.GetRequiredService<KeepAliveService>();

    /// <summary>Appends as event-router does: first the log, then the hint.</summary>
    public void Append(Guid jobId, string stage, string status, string? message = null) =>
        Hub.Offer(jobId, [Logs.Append(jobId, stage, status, message)]);

    public HttpClient ClientOf(string? user, TimeSpan? tokenLifetime = null)
    {
        var client = CreateClient();
        client.Timeout = Timeout.InfiniteTimeSpan;
        if (user is not null)
        {
            var token = TestTokens.Of(user, tokenLifetime);
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return client;
    }

    public Task<EventReader> OpenAsync(Guid jobId, string user = "u1", long? lastEventId = null) =>
        EventReader.OpenAsync(ClientOf(user), $"/api/v1/jobs/{jobId}/events", lastEventId);

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        foreach (var (name, value) in _settings)
        {
            builder.UseSetting(name, value);
        }

        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        builder.UseSetting(TestTokens.Setting, TestTokens.Jwks);
        builder.UseEnvironment("Development");
        builder.ConfigureTestServices(services => services.WithoutRevocations().Replace(ServiceDescriptor.Singleton<IJobLogDocuments>(Logs)));
    }
}
