using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Testing.Tests;

public sealed class StartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Starts_without_configuration_and_has_every_block_in_memory()
    {
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Secrets["db"] = "hunter2";
            options.Configuration["colour"] = "red";
        }, Cancel);
        using var client = dapr.CreateClient();

        await dapr.Self.SaveStateAsync("statestore", "k", 42, cancellationToken: Cancel);
        Assert.Equal(42, await dapr.Self.GetStateAsync<int>("statestore", "k", cancellationToken: Cancel));
        await dapr.Self.PublishAsync("pubsub", "orders", new { number = 1 }, cancellationToken: Cancel);
        Assert.Equal(1, (await dapr.WaitForPublishedAsync("orders", cancellationToken: Cancel)).Payload<JsonElement>().GetProperty("number").GetInt32());
        Assert.Equal("""{"db":"hunter2"}""", await client.GetStringAsync("v1.0/secrets/secrets/db", Cancel));
        Assert.Contains("red", await client.GetStringAsync("v1.0/configuration/configuration?key=colour", Cancel));
        using var locked = await client.PostAsJsonAsync("v1.0-alpha1/lock/lock", new { resourceId = "r", lockOwner = "me", expiryInSeconds = 5 }, Cancel);
        Assert.Equal("""{"success":true}""", await locked.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Official_client_needs_endpoint_and_token_only()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var client = new DaprClientBuilder().UseHttpEndpoint(dapr.HttpEndpoint).UseGrpcEndpoint(dapr.GrpcEndpoint).UseDaprApiToken(dapr.ApiToken).Build();

        await client.SaveStateAsync("statestore", "k", "v", cancellationToken: Cancel);

        Assert.Equal("v", await client.GetStateAsync<string>("statestore", "k", cancellationToken: Cancel));
        using var stranger = new DaprClientBuilder().UseHttpEndpoint(dapr.HttpEndpoint).UseDaprApiToken("").Build();
        await Assert.ThrowsAnyAsync<Exception>(() => stranger.GetStateAsync<string>("statestore", "k", cancellationToken: Cancel));
    }

    [Fact]
    public async Task Apps_find_their_sidecar_and_each_other()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var stock = await dapr.StartAppAsync("stock", app => app.MapGet("/items/{id}", (string id) => $"item {id}"), Cancel);
        await dapr.StartAppAsync("orders", builder => builder.Services.AddDaprClient(), app => app.MapGet("/order", async (DaprClient client) =>
        {
            using var stock = client.CreateInvokableHttpClient("stock");
            return await stock.GetStringAsync("items/7");
        }), Cancel);
        using var client = dapr.CreateInvokeClient("orders");

        Assert.Equal("item 7", await client.GetStringAsync("order", Cancel));
        Assert.True(stock.IsReady);
        Assert.Equal(["test", "stock", "orders"], dapr.Apps.Select(app => app.AppId));
        Assert.Equal(stock.AppPort!.Value.ToString("D"), dapr["stock"].Environment["APP_PORT"]);
        Assert.Contains(dapr.Logs.Entries, entry => entry.Source == "sidecar");
    }

    [Fact]
    public async Task An_app_that_is_started_elsewhere_is_found_when_it_listens()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var web = builder.Build();
        web.Urls.Add("http://127.0.0.1:0");
        web.MapGet("/hello", (HttpRequest request) => request.Headers["dapr-api-token"].ToString());
        await web.StartAsync(Cancel);

        var app = await dapr.AddAppAsync("elsewhere", new Uri(web.Urls.First()).Port, Cancel);
        await app.ReadyAsync(cancellationToken: Cancel);

        using var client = dapr.CreateInvokeClient("elsewhere");
        Assert.Equal(app.AppToken, await client.GetStringAsync("hello", Cancel));
    }

    [Fact]
    public async Task Resources_come_from_folders_and_text_and_replace_defaults()
    {
        var folder = Directory.CreateTempSubdirectory("host-resources");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "orders-db.yaml"), """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: orders-db}
            spec: {type: state.in-memory, version: v1, metadata: [{name: keyPrefix, value: none}]}
            """, Cancel);
        await using var dapr = await SidecarHost.StartAsync(options => options.UseResources(folder.FullName)
            .AddComponent("statestore", "state.in-memory", ("keyPrefix", "name")), Cancel);
        folder.Delete(recursive: true);
        using var client = dapr.CreateClient();

        using var metadata = JsonDocument.Parse(await client.GetStringAsync("v1.0/metadata", Cancel));
        var names = metadata.RootElement.GetProperty("components").EnumerateArray().Select(component => component.GetProperty("name").GetString());
        Assert.Equal(["orders-db", "statestore"], names.Order());
    }

    [Fact]
    public async Task A_wrong_component_fails_the_start_with_the_sidecars_sentence()
    {
        var exception = await Assert.ThrowsAsync<ComponentException>(() => SidecarHost.StartAsync(options => options.AddComponent("mail", "bindings.pigeon"), Cancel));

        Assert.Contains("mail", exception.Message);
        Assert.Contains("the type is unknown", exception.Message);
    }

    [Fact]
    public async Task Subscribers_of_configuration_hear_of_changes()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.Configuration["colour"] = "red", Cancel);
        var heard = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var app = await dapr.StartAppAsync("painter", web => web.MapPost("/configuration/{store}/{key}", async (HttpRequest request) =>
            heard.TrySetResult(await new StreamReader(request.Body).ReadToEndAsync())), Cancel);
        using var client = app.CreateClient();
        using var subscribed = await client.GetAsync("v1.0/configuration/configuration/subscribe?key=colour", Cancel);
        Assert.Equal(HttpStatusCode.OK, subscribed.StatusCode);

        dapr.Configuration.Set("colour", "blue");

        Assert.Contains("blue", await heard.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
    }
}
