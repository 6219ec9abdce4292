using System.Net;
using Dapr.Client;
using Dapr.Workflow;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Users;

namespace Sidecar.Testing.Tests;

/// <summary>The examples of docs/testing-with-sidecarhost.md, word for word.</summary>
public sealed class DocumentedExamples
{
    [Fact]
    public async Task Start()
    {
        await using var dapr = await SidecarHost.StartAsync();
        using var client = new DaprClientBuilder().UseHttpEndpoint(dapr.HttpEndpoint).UseGrpcEndpoint(dapr.GrpcEndpoint).UseDaprApiToken(dapr.ApiToken).Build();

        await client.SaveStateAsync("statestore", "order-1", new Order("lamp"));
        Assert.Equal("lamp", (await client.GetStateAsync<Order>("statestore", "order-1")).Item);
    }

    [Fact]
    public async Task Components()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options
            .AddComponent("pubsub", "pubsub.in-memory", ("redeliverInterval", "1s"))
            .AddComponent("tick", "bindings.cron", ("schedule", "@every 10m"))
            .AddYaml("""
                apiVersion: dapr.io/v1alpha1
                kind: Resiliency
                metadata: {name: retries}
                spec:
                  policies: {retries: {steady: {policy: constant, duration: 5s, maxRetries: 3}}}
                  targets: {apps: {stock: {retry: steady}}}
                """));
    }

    [Fact]
    public async Task Apps()
    {
        await using var dapr = await SidecarHost.StartAsync();
        await dapr.StartAppAsync("stock", app => app.MapGet("/items/{id}", (string id) => $"item {id}"));
        await dapr.StartAppAsync("orders", builder => builder.Services.AddDaprClient(), app => app.MapGet("/order", async (DaprClient client) =>
        {
            using var stock = client.CreateInvokableHttpClient("stock");
            return await stock.GetStringAsync("items/7");
        }));
        using var orders = dapr.CreateInvokeClient("orders");
        Assert.Equal("item 7", await orders.GetStringAsync("order"));
    }

    [Fact]
    public async Task Factory()
    {
        await using var dapr = await SidecarHost.StartAsync();
        var users = await dapr.AddAppAsync("users");
        await using var app = new WebApplicationFactory<UsersService>().WithWebHostBuilder(web => web.UseSidecar(users));
        app.UseKestrel();
        app.StartServer();
        await users.ReadyAsync();
    }

    [Fact]
    public async Task Time()
    {
        await using var dapr = await SidecarHost.StartAsync();
        var handled = 0;
        await dapr.StartAppAsync("shipping", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "pubsub", topic = "order-placed", route = "/on-order" } });
            app.MapPost("/on-order", () => Results.StatusCode(++handled < 3 ? 500 : 200));
        });

        await dapr.Self.PublishAsync("pubsub", "order-placed", new Order("lamp"));
        var passed = await dapr.AdvanceUntilIdleAsync();

        Assert.Equal((3, TimeSpan.FromSeconds(30)), (handled, passed));
    }

    [Fact]
    public async Task What_happened()
    {
        await using var dapr = await SidecarHost.StartAsync();
        await dapr.Self.PublishAsync("pubsub", "order-placed", new Order("lamp"));

        var published = await dapr.WaitForPublishedAsync("order-placed", message => message.Payload<Order>()!.Item == "lamp");
        Assert.Equal("test", published.AppId);
        await dapr.WaitForIdleAsync();
        Assert.Empty(dapr.Deliveries);
        Assert.DoesNotContain(dapr.Logs.Entries, line => line.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task What_goes_wrong()
    {
        await using var dapr = await SidecarHost.StartAsync();

        dapr.Faults.Deliveries("order-placed", app: "shipping").Drop();
        dapr.Faults.Deliveries("order-placed").When(attempt => attempt.Delivery.Attempt == 1).Always().Duplicate();
        dapr.Faults.Deliveries("order-placed").Reorder(window: 5);
        dapr.Faults.StateWrites("statestore", key: "order-1").After(2).FailAfterwards();
        dapr.Faults.StateWrites("statestore").WithProbability(0.2).Conflict();
        dapr.Faults.Publishes("order-shipped").Fail();
        dapr.Faults.Bindings("mail", "create").Delay(TimeSpan.FromSeconds(5));
        dapr.Faults.Calls("stock", "/items/7").Answer(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task Larger_things()
    {
        await using var dapr = await SidecarHost.StartAsync();
        var shop = await dapr.StartAppAsync("shop", builder => builder.Services.AddDaprWorkflow(
            options => options.RegisterWorkflow<int, int>("order", (_, amount) => Task.FromResult(amount))), app => app.MapGet("/", () => "open"));

        shop.BreakConnections();
        await shop.KillAsync();
        await dapr.RestartAsync(crash: true);
        await shop.StartAgainAsync();
        await shop.WorkerReadyAsync();
    }

    [Fact]
    public void The_page_has_these_examples_and_no_others()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Dapr.sln")))
        {
            root = root.Parent!;
        }

        var source = Lines(File.ReadAllText(Path.Combine(root.FullName, "tests/sidecar/Sidecar.Testing.Tests/DocumentedExamples.cs")));
        var page = File.ReadAllText(Path.Combine(root.FullName, "docs/testing-with-sidecarhost.md")).Split("```");
        var examples = page.Where(part => part.StartsWith("csharp", StringComparison.Ordinal)).Select(part => Lines(part["csharp".Length..])).ToArray();
        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Contains(example, source, StringComparison.Ordinal));

        static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
    }

    private sealed record Order(string Item);
}
