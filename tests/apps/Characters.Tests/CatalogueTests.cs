using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Characters.Catalogue;
using Characters.Ownership;
using Contracts;
using Contracts.Characters;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using Sidecar.Testing;

namespace Characters.Tests;

/// <summary>The catalogue in two replicas on a whole sidecar.</summary>
public sealed class CatalogueTests
{
    private const string Catalogue = "/api/v1/character/catalog";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_reaches_the_other_replica_by_broadcast_and_bad_messages_do_no_harm()
    {
        await using var dapr = await StartAsync();
        await using var one = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await using var two = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await one.Sidecar.ReadyAsync(cancellationToken: Cancel);
        await two.Sidecar.ReadyAsync(cancellationToken: Cancel);
        Assert.Equal(13, (await two.CodesAsync()).Count);
        foreach (var bad in (object[])["text", new { version = "x" }, new { version = -1 }, new { }])
        {
            await dapr.Self.PublishAsync(Components.Broadcast, CharacterTopics.CharacterChanged, bad, TandemJson.Options, Cancel);
        }

        using (var stored = await one.PutAsync("char-sofa", "\"1\""))
        {
            Assert.Equal((HttpStatusCode.OK, "\"2\""), (stored.StatusCode, stored.Headers.ETag!.Tag));
        }

        Assert.Contains("char-sofa", await one.CodesAsync());
        await UntilAsync(async () => (await two.CodesAsync()).Contains("char-sofa"));
        Assert.DoesNotContain(dapr.Deliveries, delivery => delivery.Outcome is not (DeliveryOutcome.Acknowledged or DeliveryOutcome.Running));

        using (var removed = await two.DeleteAsync("char-sofa", "\"2\""))
        {
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        await UntilAsync(async () => !(await one.CodesAsync()).Contains("char-sofa"));
    }

    [Fact]
    public async Task A_change_whose_broadcast_is_lost_is_seen_when_the_time_is_over()
    {
        await using var dapr = await StartAsync();
        await using var one = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await using var two = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "00:00:00.2");
        await one.Sidecar.ReadyAsync(cancellationToken: Cancel);
        await two.Sidecar.ReadyAsync(cancellationToken: Cancel);
        var lost = dapr.Faults.Publishes(CharacterTopics.CharacterChanged).Fail();

        using var stored = await one.PutAsync("char-sofa", "\"1\"");

        Assert.Equal(HttpStatusCode.OK, stored.StatusCode);
        await UntilAsync(async () => (await two.CodesAsync()).Contains("char-sofa"));
        Assert.Equal(1, lost.Hits);
    }

    [Fact]
    public async Task Changes_need_the_version_the_role_and_a_valid_character()
    {
        await using var dapr = await StartAsync();
        await using var one = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await one.Sidecar.ReadyAsync(cancellationToken: Cancel);

        Assert.Equal((428, "PRECONDITION_REQUIRED"), await CodeAsync(one.PutAsync("char-sofa", null)));
        Assert.Equal((412, "CATALOGUE_CHANGED"), await CodeAsync(one.PutAsync("char-sofa", "\"7\"")));
        Assert.Equal((401, "UNAUTHORIZED"), await CodeAsync(one.PutAsync("char-sofa", "\"1\"", roles: null)));
        Assert.Equal((403, "ROLE_REQUIRED"), await CodeAsync(one.PutAsync("char-sofa", "\"1\"", roles: "user")));
        Assert.Equal((409, "DEFAULT_CHARACTER"), await CodeAsync(one.PutAsync(DefaultCharacter.Code, "\"1\"")));
        Assert.Equal((409, "MATCH_TAKEN"), await CodeAsync(one.PutAsync("char-sofa", "\"1\"", match: "종이")));
        Assert.Equal((422, "INVALID_CHARACTER"), await CodeAsync(one.PutAsync("Sofa!", "\"1\"")));
        Assert.Equal((404, "CHARACTER_NOT_FOUND"), await CodeAsync(one.DeleteAsync("char-none", "\"1\"")));
        using var unchanged = await one.GetAsync("\"1\"");
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_default_character_is_granted_once_whatever_happens_on_its_way(int seed)
    {
        await using var dapr = await StartAsync(seed);
        dapr.Faults.Deliveries(CharacterTopics.DefaultCharacterRequested).WithProbability(0.4).DuplicateAtOnce();
        dapr.Faults.Deliveries(CharacterTopics.DefaultCharacterRequested).WithProbability(0.2).Drop();
        dapr.Faults.StateWrites(Components.StateStore, "owner:u1").WithProbability(0.2).FailAfterwards();
        dapr.Faults.Publishes(CharacterTopics.CharacterGranted).WithProbability(0.2).FailAfterwards();
        await using var one = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await using var two = new Replica(await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel), ttl: "01:00:00");
        await one.Sidecar.ReadyAsync(cancellationToken: Cancel);
        await two.Sidecar.ReadyAsync(cancellationToken: Cancel);

        for (var i = 0; i < 10; i++)
        {
            await dapr.Self.PublishAsync(
                Components.PubSub, CharacterTopics.DefaultCharacterRequested, new DefaultCharacterRequested(Guid.NewGuid(), dapr.Time.GetUtcNow(), "u1"),
                TandemJson.Options, Cancel);
        }

        await dapr.RestartAsync(crash: true, Cancel);
        await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);

        var owner = await one.Sidecar.GetStateAsync<Owner>(Components.StateStore, "owner:u1", TandemJson.Options, Cancel);
        Assert.Equal(DefaultCharacter.Code, Assert.Single(owner!.Characters).Code);
        var granted = dapr.Published.Where(message => message.Topic == CharacterTopics.CharacterGranted)
            .Select(message => message.Payload<CharacterGranted>(TandemJson.Options)!).ToArray();
        Assert.Single(granted.Distinct());
        Assert.Equal(owner.Characters[0].Id, granted[0].Id);
    }

    private static Task<SidecarHost> StartAsync(int seed = 1) => SidecarHost.StartAsync(options =>
    {
        options.Seed = seed;
        options.DefaultComponents = true;
        options.AddComponent(Components.Broadcast, "pubsub.in-memory", ("consumerID", "{uuid}"));
        options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
    }, Cancel);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task<(int Status, string? Code)> CodeAsync(Task<HttpResponseMessage> call)
    {
        using var response = await call;
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString());
    }

    /// <summary>One process of characters.</summary>
    private sealed class Replica : IAsyncDisposable
    {
        private readonly WebApplicationFactory<CharactersService> _app;
        private readonly HttpClient _client;

        public Replica(SidecarApp sidecar, string ttl)
        {
            Sidecar = sidecar;
            _app = new WebApplicationFactory<CharactersService>().WithWebHostBuilder(web =>
            {
                web.UseSidecar(sidecar);
                web.UseSetting("Characters:CatalogueTtl", ttl);
            });
            _app.UseKestrel();
            _app.StartServer();
            _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{sidecar.AppPort}") };
            _client.DefaultRequestHeaders.Add("dapr-api-token", sidecar.AppToken);
            _client.DefaultRequestHeaders.Add("dapr-caller-app-id", Apps.Gateway);
        }

        public SidecarApp Sidecar { get; }

        public async Task<IReadOnlyList<string?>> CodesAsync() =>
            [.. (await _client.GetFromJsonAsync<JsonElement>(Catalogue, Cancel)).EnumerateArray().Select(item => item.GetProperty("code").GetString())];

        public Task<HttpResponseMessage> GetAsync(string tag) => SendAsync(HttpMethod.Get, Catalogue, ("If-None-Match", tag), "user");

        public Task<HttpResponseMessage> PutAsync(string code, string? tag, string? roles = "admin", string match = "소파") => SendAsync(
            HttpMethod.Put, $"{Catalogue}/{code}", tag is null ? null : ("If-Match", tag), roles, new { name = "소파", type = "소파", dialog = "신고해 줘!", match });

        public Task<HttpResponseMessage> DeleteAsync(string code, string tag) => SendAsync(HttpMethod.Delete, $"{Catalogue}/{code}", ("If-Match", tag), "admin");

        public async ValueTask DisposeAsync()
        {
            _client.Dispose();
            await _app.DisposeAsync();
        }

        private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, (string Name, string Value)? header, string? roles, object? body = null)
        {
            var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            // As the gateway sends it: both, or nothing for nobody.
            if (roles is not null)
            {
                request.Headers.Add("X-User-ID", "u1");
                request.Headers.Add("X-User-Roles", roles);
            }

            if (header is var (name, value))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            return _client.SendAsync(request, Cancel);
        }
    }
}
