using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>Which components an app has, and where their metadata comes from.</summary>
public sealed class ComponentLoadingTests
{
    private static string Folder(TestRun run, string name) => Path.Combine(run.Folder, name);

    private static Task<HttpResponseMessage> StoreAsync(HttpClient http, string binding) => http.PostAsJsonAsync(
        $"/v1.0/bindings/{binding}", new { operation = "create", data = "text", metadata = new { fileName = "f" } });

    [Fact]
    public async Task A_component_exists_for_the_apps_of_its_scopes_alone()
    {
        await using var run = new TestRun().Component("shared", "state.in-memory").Component("own", "state.in-memory", tail: "scopes: [a]\n");
        await run.AppAsync("a");
        await run.AppAsync("b");
        await run.StartAsync();
        using var a = run.Client();
        using var b = run.Client(1);

        Assert.Equal(HttpStatusCode.NoContent, (await a.GetAsync("/v1.0/state/own/k")).StatusCode);
        Assert.Equal((400, "ERR_STATE_STORE_NOT_FOUND"), await b.GetAsync("/v1.0/state/own/k").ErrorAsync());
        Assert.Equal(HttpStatusCode.NoContent, (await b.GetAsync("/v1.0/state/shared/k")).StatusCode);
    }

    [Fact]
    public async Task Metadata_is_taken_from_a_secret_store_and_from_the_environment()
    {
        const string Variable = "SIDECAR_RUNTIME_TESTS_FOLDER";
        Environment.SetEnvironmentVariable(Variable, "from-environment");
        await using var run = new TestRun()
            .Component("vault", "secretstores.local.file", "secretsFile=secrets.json")
            .Yaml("secrets.json", """{"folders":{"objects":"from-secret"}}""")
            .Yaml("a-secret.yaml", Reference("by-secret", "secretKeyRef: {name: 'folders:objects', key: 'folders:objects'}", "auth: {secretStore: vault}"))
            .Yaml("a-variable.yaml", Reference("by-variable", $"envRef: {Variable}"));
        await run.AppAsync("a");
        await run.StartAsync();
        using var http = run.Client();

        (await StoreAsync(http, "by-secret")).EnsureSuccessStatusCode();
        (await StoreAsync(http, "by-variable")).EnsureSuccessStatusCode();

        Assert.True(File.Exists(Path.Combine(Folder(run, "from-secret"), "f")));
        Assert.True(File.Exists(Path.Combine(Folder(run, "from-environment"), "f")));
    }

    [Theory]
    [InlineData("secretKeyRef: {name: absent, key: absent}", "auth: {secretStore: vault}", "secret 'absent' has no key 'absent' in store 'vault'")]
    [InlineData("secretKeyRef: {name: s, key: s}", "auth: {secretStore: nowhere}", "the secret store 'nowhere' is not there or not in scope")]
    [InlineData("secretKeyRef: {name: s, key: s}", "", "secretKeyRef 's' needs auth.secretStore")]
    [InlineData("envRef: DAPR_API_TOKEN", "", "envRef must not name DAPR_API_TOKEN")]
    public async Task A_reference_that_leads_nowhere_stops_the_start(string reference, string tail, string problem)
    {
        await using var run = new TestRun()
            .Component("vault", "secretstores.local.file", "secretsFile=secrets.json").Yaml("secrets.json", """{"s":"v"}""")
            .Yaml("objects.yaml", Reference("objects", reference, tail));
        await run.AppAsync("a");

        var exception = await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync());

        Assert.StartsWith("component 'objects'", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(problem, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("primaryEncryptionKey", "the embedded sidecar does not encrypt state")]
    [InlineData("secondaryEncryptionKey", "the embedded sidecar does not encrypt state")]
    public async Task Metadata_whose_promise_cannot_be_kept_stops_the_start(string name, string problem)
    {
        await using var run = new TestRun().Component("store", "state.in-memory", $"{name}=anything");
        await run.AppAsync("a");

        var exception = await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync());

        Assert.StartsWith("component 'store'", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith($"metadata '{name}': {problem}", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("outboxPublishPubsub=bus", "metadata 'outboxPublishTopic' is required")]
    [InlineData("outboxPublishTopic=t", "metadata 'outboxPublishPubsub' is required")]
    [InlineData("outboxDiscardWhenMissingState=true", "metadata 'outboxPublishPubsub' is required")]
    public async Task An_outbox_named_by_half_stops_the_start(string metadata, string problem)
    {
        await using var run = new TestRun().Component("store", "state.in-memory", metadata);
        await run.AppAsync("a");

        var exception = await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync());

        Assert.StartsWith("component 'store'", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(problem, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_uuid_in_consumerID_gives_every_replica_all_messages()
    {
        var received = new ConcurrentDictionary<(int Replica, string Message), bool>();
        await using var run = new TestRun().Component("bus", "pubsub.in-memory", "consumerID={uuid}");
        for (var index = 0; index < 2; index++)
        {
            var replica = index;
            await run.AppAsync("listener", app => Subscribe(app, message => received.TryAdd((replica, message), true)), index: replica);
        }

        await run.StartAsync();
        using var http = run.Client();
        // Until both have subscribed: neither sees what was published before.
        for (var beat = 0; received.Keys.Select(key => key.Replica).Distinct().Count() < 2; beat++)
        {
            await http.PostAsJsonAsync("/v1.0/publish/bus/t", $"warm-up-{beat}");
        }

        string[] messages = [.. Enumerable.Range(0, 10).Select(number => $"m{number}")];
        foreach (var message in messages)
        {
            await http.PostAsJsonAsync("/v1.0/publish/bus/t", message);
        }

        await TestRun.Eventually(() => messages.All(message => received.ContainsKey((0, message)) && received.ContainsKey((1, message))));
    }

    private static void Subscribe(WebApplication app, Action<string> receive)
    {
        app.MapGet("/dapr/subscribe", () => Results.Text("""[{"pubsubname":"bus","topic":"t","route":"/t"}]""", "application/json"));
        app.MapPost("/t", async (HttpContext http) =>
        {
            using var envelope = await System.Text.Json.JsonDocument.ParseAsync(http.Request.Body);
            receive(envelope.RootElement.GetProperty("data").GetString()!);
        });
    }

    private static string Reference(string name, string reference, string tail = "") =>
        $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: {{name}}}
        spec:
          type: bindings.localstorage
          version: v1
          metadata:
            - name: rootPath
              {{reference}}
        {{tail}}
        """;
}
