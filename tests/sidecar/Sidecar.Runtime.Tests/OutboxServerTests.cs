using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LocalServers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;
using Sidecar.Conformance.Tests;
using TestServers;

namespace Sidecar.Runtime.Tests;

/// <summary>The server of the state store is killed while transactions with an outbox are under way.</summary>
public sealed class OutboxServerTests
{
    private const int Clients = 4;
    private const int Each = 30;

    private readonly ConcurrentDictionary<string, string> _idOfKey = [];
    private readonly ConcurrentQueue<string> _twoIds = [];

    [Theory]
    [InlineData("state.redis")]
    [InlineData("state.postgresql")]
    public async Task What_is_stored_is_published_and_nothing_else(string type)
    {
        await using var server = await StartAsync(type);
        await using var run = new TestRun()
            .Component("bus", "pubsub.tandem", "redeliverInterval=200ms")
            .Component(
                "store", type, $"{Metadata(server)};outboxPublishPubsub=bus;outboxPublishTopic=changed", version: type == "state.postgresql" ? "v2" : "v1");
        await run.AppAsync("bank", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "changed", route = "/on" } });
            app.MapPost("/on", async (HttpRequest request) =>
            {
                using var envelope = await JsonDocument.ParseAsync(request.Body);
                var (id, key) = (envelope.RootElement.GetProperty("id").GetString()!, envelope.RootElement.GetProperty("data").GetString()!);
                if (_idOfKey.GetOrAdd(key, id) != id)
                {
                    _twoIds.Enqueue(key);
                }
            });
        });
        await run.StartAsync();

        var done = 0;
        var acknowledged = new ConcurrentQueue<string>();
        var clients = Enumerable.Range(0, Clients).Select(async client =>
        {
            using var http = run.Client();
            for (var n = 0; n < Each; n++)
            {
                var key = $"{client}-{n}";
                if (await TransactAsync(http, key))
                {
                    acknowledged.Enqueue(key);
                }

                Interlocked.Increment(ref done);
            }
        }).ToList();
        foreach (var share in (int[])[3, 2])
        {
            await TestRun.Eventually(() => Volatile.Read(ref done) >= Clients * Each / share);
            await server.KillAsync();
            await server.RestartAsync(TestContext.Current.CancellationToken);
        }

        await Task.WhenAll(clients);
        using var reader = run.Client();
        var stored = new List<string>();
        foreach (var key in Enumerable.Range(0, Clients).SelectMany(client => Enumerable.Range(0, Each).Select(n => $"{client}-{n}")))
        {
            if (await IsStoredAsync(reader, key))
            {
                stored.Add(key);
            }
        }

        Assert.Empty(acknowledged.Except(stored));
        await TestRun.Eventually(() => stored.All(_idOfKey.ContainsKey));
        Assert.Empty(_idOfKey.Keys.Except(stored));
        Assert.Empty(_twoIds);
    }

    private static async Task<bool> TransactAsync(HttpClient http, string key)
    {
        using var response = await http.PostAsJsonAsync("/v1.0/state/store/transaction", new
        {
            operations = new[] { new { operation = "upsert", request = new { key, value = key, metadata = new { contentType = "application/json" } } } },
        });
        return response.IsSuccessStatusCode;
    }

    /// <summary>A server that has just come back may refuse a call or two.</summary>
    private static async Task<bool> IsStoredAsync(HttpClient http, string key)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            using var response = await http.GetAsync($"/v1.0/state/store/{key}", limit.Token);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NoContent)
            {
                return response.StatusCode == HttpStatusCode.OK;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    private static async Task<LocalServer> StartAsync(string type) =>
        type == "state.redis" ? await Servers.NewRedisAsync() : await Servers.NewPostgresAsync();

    private static string Metadata(LocalServer server) => server is PostgresServer postgres
        ? $"host={server.Host};port={server.Port};user=postgres;password={postgres.Password};database=postgres;{Patient.PostgreSql}"
        : $"redisHost={server.Host}:{server.Port};{Patient.Redis}";
}
