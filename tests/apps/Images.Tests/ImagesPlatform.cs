using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Images;
using Contracts.Users;
using Images.Storage;
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

/// <summary>What a client gets for its request of a ticket.</summary>
internal sealed record Ticket(string Key, Uri UploadUrl, Uri CdnUrl, int ExpiresIn, Dictionary<string, string> RequiredHeaders);

/// <summary>The real images on a whole sidecar, its clock the sidecar's; users, which hears of erasures, is played by a small app.</summary>
internal sealed class ImagesPlatform : IAsyncDisposable
{
    private readonly WebApplicationFactory<ImagesService> _factory;
    private readonly HttpClient _clients = new(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = Patience }) { Timeout = Patience };

    private ImagesPlatform(SidecarHost dapr, SidecarApp images, WebApplicationFactory<ImagesService> factory, TestStorage storage) =>
        (Dapr, Images, _factory, Storage) = (dapr, images, factory, storage);

    public static TimeSpan Patience => TimeSpan.FromSeconds(60);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public SidecarApp Images { get; }

    public TestStorage Storage { get; }

    public static Task<ImagesPlatform> StartAsync(params (string Key, string Value)[] settings) => StartAsync(new FolderStorage(), settings);

    public static async Task<ImagesPlatform> StartAsync(TestStorage storage, params (string Key, string Value)[] settings)
    {
        await storage.StartAsync();
        var dapr = await SidecarHost.StartAsync(
            options =>
            {
                options.DefaultComponents = true;
                storage.Configure(options);
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
            foreach (var (key, value) in storage.Settings.Concat(settings))
            {
                web.UseSetting($"Images:{key}", value);
            }

            // An upload may stand still for as long as a test holds it.
            web.ConfigureKestrel(kestrel => kestrel.Limits.MinRequestBodyDataRate = null);
            web.ConfigureTestServices(services => services.WithoutRevocations().Replace(ServiceDescriptor.Singleton(dapr.Time)));
        });
        factory.UseKestrel();
        factory.StartServer();
        await sidecar.ReadyAsync(cancellationToken: Cancel);
        return new ImagesPlatform(dapr, sidecar, factory, storage);
    }

    /// <summary>A client as the gateway, for a user or for nobody.</summary>
    public HttpClient Gateway(string? user = "u1")
    {
        var client = Client(Apps.Gateway);
        if (user is not null)
        {
            client.DefaultRequestHeaders.Add(UserIdentity.Header, user);
            client.DefaultRequestHeaders.Authorization = new("Bearer", TokenOf(user));
        }

        return client;
    }

    /// <summary>A client as another app.</summary>
    public HttpClient Client(string caller)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address(""), Timeout = Patience };
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", caller);
        client.DefaultRequestHeaders.Add("dapr-api-token", Images.AppToken);
        return client;
    }

    public Task<T?> StateAsync<T>(string key) => Images.GetStateAsync<T>(Components.StateStore, key, TandemJson.Options, Cancel);

    /// <summary>What counts against the quota of a user.</summary>
    public async Task<long> BytesOfAsync(string user) => (await StateAsync<UserImages>($"images:{user}"))?.Bytes ?? 0;

    /// <summary>Deletes the account and returns when images has erased what it holds.</summary>
    public async Task EraseAsync(string user)
    {
        await Dapr.Self.PublishAsync(Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), Dapr.Clock.GetUtcNow(), user), TandemJson.Options, Cancel);
        await Dapr.WaitForDeliveredAsync(UserTopics.UserDeleted, Apps.Images, cancellationToken: Cancel);
    }

    /// <summary>What the cron binding does.</summary>
    public async Task SweepAsync()
    {
        using var client = Client(Apps.Images);
        using var response = await client.PostAsync("/cron-uploads", null, Cancel);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Asks for a ticket, for a file of which everything is announced.</summary>
    public async Task<Ticket> TicketAsync(byte[] file, string type = "image/png", string user = "u1")
    {
        using var response = await AskAsync(Announced(file, type), user);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancel));
        return (await response.Content.ReadFromJsonAsync<Ticket>(TandemJson.Options, Cancel))!;
    }

    public static object Announced(byte[] file, string type = "image/png", object? metadata = null) => new
    {
        filename = type == "image/png" ? "a.png" : "a.jpg", content_type = type, content_length = file.Length, checksum_sha256 = Hash(file), metadata,
    };

    public async Task<HttpResponseMessage> AskAsync(object request, string user = "u1", string channel = "scan")
    {
        using var client = Gateway(user);
        return await client.PostAsJsonAsync($"/api/v1/images/{channel}", request, Cancel);
    }

    /// <summary>Uploads as the ticket says, but for what is given: another body, other headers.</summary>
    public Task<(int Status, string? Code)> PutAsync(Ticket ticket, byte[] body, string user = "u1", params (string Name, string Value)[] headers) =>
        PutAsync(ticket, new ByteArrayContent(body), user, headers);

    public async Task<(int Status, string? Code)> PutAsync(Ticket ticket, HttpContent body, string user = "u1", params (string Name, string Value)[] headers)
    {
        var isOurs = ticket.UploadUrl.Authority == "localhost:8080";
        using var request = new HttpRequestMessage(HttpMethod.Put, isOurs ? Address(ticket.UploadUrl.PathAndQuery) : ticket.UploadUrl) { Content = body };
        foreach (var (name, value) in ticket.RequiredHeaders.Where(header => header.Key != "Content-Length" && headers.All(other => other.Name != header.Key))
            .Select(header => (header.Key, header.Value)).Concat(headers))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                body.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (isOurs)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TokenOf(user));
            request.Headers.ExpectContinue = true;
        }

        using var response = await _clients.SendAsync(request, Cancel);
        return ((int)response.StatusCode, await CodeAsync(response));
    }

    /// <summary>Calls back: status, and the code of the problem or none.</summary>
    public async Task<(int Status, string? Code)> FinishAsync(string key, byte[] file, string user = "u1", string channel = "scan", long? length = null, string? etag = null)
    {
        using var client = Gateway(user);
        using var response = await client.PostAsJsonAsync($"/api/v1/images/{channel}/callback", new { key, etag = etag ?? Hash(file), content_length = length }, Cancel);
        return ((int)response.StatusCode, await CodeAsync(response));
    }

    /// <summary>All of it. Returns the ticket.</summary>
    public async Task<Ticket> UploadAsync(byte[] file, string type = "image/png", string user = "u1")
    {
        var ticket = await TicketAsync(file, type, user);
        Assert.Equal((200, null), await PutAsync(ticket, file, user));
        Assert.Equal((200, null), await FinishAsync(ticket.Key, file, user));
        return ticket;
    }

    /// <summary>A picture or its thumbnail as its owner gets it; null when it is not found.</summary>
    public async Task<byte[]?> GetAsync(string key, string user = "u1")
    {
        using var client = Gateway(user);
        using var response = await client.GetAsync($"/api/v1/images/{key}", Cancel);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(Cancel) : null;
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

    public static string Hash(byte[] content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));

    public async ValueTask DisposeAsync()
    {
        _clients.Dispose();
        await _factory.DisposeAsync();
        await Dapr.DisposeAsync();
        await Storage.DisposeAsync();
    }

    private string TokenOf(string user) => TestTokens.Of(user, now: Dapr.Clock.GetUtcNow());

    private Uri Address(string path) => new($"http://127.0.0.1:{Images.AppPort}{path}");
}
