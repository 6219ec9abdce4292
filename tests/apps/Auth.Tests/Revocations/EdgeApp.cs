using System.Net;
using System.Net.Http.Headers;
using Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;
using Sidecar.Testing;
using TestKit;

namespace Auth.Tests.Revocations;

/// <summary>A replica of an app at the edge that checks tokens as the gateway does, on the sidecar of <see cref="AuthPlatform"/>.</summary>
internal sealed class EdgeApp(SidecarApp sidecar) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{sidecar.AppPort}") };

    public SidecarApp Sidecar { get; } = sidecar;

    public RevokedTokens Revoked => Sidecar.Services.GetRequiredService<RevokedTokens>();

    /// <summary>
    /// Starts a replica by real time; its limits are a tenth of the defaults, but for the one after which nobody is judged: no test is to reach it.
    /// </summary>
    public static async Task<EdgeApp> StartAsync(SidecarHost dapr, TimeProvider time) => new(await dapr.StartAppAsync(
        Apps.Gateway,
        builder =>
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                [TestTokens.Setting] = TestTokens.Jwks,
                ["Identity:Revocations:HeartbeatTimeout"] = "00:00:00.5",
                ["Identity:Revocations:RereadInterval"] = "00:00:00.1",
                ["Identity:Revocations:UnknownAfter"] = "00:01:00",
                ["Identity:Revocations:Refresh"] = "00:10:00",
            });
            builder.AddServiceDefaults();
            builder.Services.AddSingleton(time);
            builder.Services.AddTokenVerification();
        },
        app =>
        {
            app.MapDefaultEndpoints();
            app.MapRevocations();
            app.MapGet("/me", (HttpContext http) =>
            {
                var check = http.RequestServices.GetRequiredService<RequestTokens>().Check(http.Request);
                return check.Identity is null ? RequestTokens.RefuseAsync(http, check.Failure) : http.Response.WriteAsync(check.Identity.UserId);
            });
        },
        AuthPlatform.Cancel));

    public async Task<HttpStatusCode> AskAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var response = await _http.SendAsync(request, AuthPlatform.Cancel);
        return response.StatusCode;
    }

    public async Task<HttpStatusCode> ReadyAsync()
    {
        using var response = await _http.GetAsync("/healthz/ready", AuthPlatform.Cancel);
        return response.StatusCode;
    }

    public async Task UntilAsync(string token, HttpStatusCode status)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(AuthPlatform.Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (await AskAsync(token) != status)
        {
            await Task.Delay(10, patience.Token);
        }
    }

    public void Dispose() => _http.Dispose();
}
