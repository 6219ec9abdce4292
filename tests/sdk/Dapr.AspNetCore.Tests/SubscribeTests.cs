using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dapr.AspNetCore.Tests;

/// <summary>GET /dapr/subscribe, and the registration of the client.</summary>
public sealed class SubscribeTests
{
    private static async Task<string> SubscriptionsAsync(Action<WebApplication> map, SubscribeOptions? options = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        _ = options is null ? app.MapSubscribeHandler() : app.MapSubscribeHandler(options);
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        return await http.GetStringAsync(new Uri($"{app.Urls.First()}/dapr/subscribe"), TestContext.Current.CancellationToken);
    }

    private static void Handle() { }

    [Fact]
    public async Task Without_topics_the_list_is_empty() => Assert.Equal("[]", await SubscriptionsAsync(app => app.MapPost("/x", Handle)));

    [Fact]
    public async Task Topics_are_sorted_and_routes_have_no_leading_slash() => Assert.Equal(
        """[{"topic":"z","pubsubName":"a","route":"on/z"},{"topic":"a","pubsubName":"b","route":"on/a"},{"topic":"y","pubsubName":"b","route":"both"}]""",
        await SubscriptionsAsync(app =>
        {
            app.MapPost("/both", Handle).WithTopic("b", "y");
            app.MapPost("on/z", Handle).WithTopic("a", "z");
            app.MapPost("/on/a", Handle).WithTopic(new TopicOptions { PubsubName = "b", Name = "a" });
        }));

    [Fact]
    public async Task One_endpoint_can_handle_two_topics() => Assert.Equal(
        """[{"topic":"a","pubsubName":"bus","route":"on"},{"topic":"b","pubsubName":"bus","route":"on"}]""",
        await SubscriptionsAsync(app => app.MapPost("/on", Handle).WithTopic("bus", "b").WithTopic("bus", "a")));

    [Fact]
    public async Task Rules_are_ordered_by_priority_before_the_default() => Assert.Equal(
        """[{"topic":"t","pubsubName":"bus","routes":{"rules":[{"match":"event.type == \u0022a\u0022","path":"first"},{"match":"event.data.n \u003E 5","path":"second"}],"default":"rest"}}]""",
        await SubscriptionsAsync(app =>
        {
            app.MapPost("/second", Handle).WithTopic(new TopicOptions { PubsubName = "bus", Name = "t", Match = "event.data.n > 5", Priority = 2 });
            app.MapPost("/rest", Handle).WithTopic("bus", "t");
            app.MapPost("/first", Handle).WithTopic(new TopicOptions { PubsubName = "bus", Name = "t", Match = "event.type == \"a\"", Priority = 1 });
        }));

    [Fact]
    public async Task Metadata_raw_payload_and_dead_letters() => Assert.Equal(
        """[{"topic":"plain","pubsubName":"bus","route":"p","metadata":{"a":"b"}},{"topic":"t","pubsubName":"bus","route":"t","metadata":{"a":"b","rawPayload":"true"},"deadLetterTopic":"t-dead"},{"topic":"u","pubsubName":"bus","route":"u","metadata":{"c":"d","rawPayload":"true"}}]""",
        await SubscriptionsAsync(app =>
        {
            var metadata = new Dictionary<string, string> { ["a"] = "b" };
            app.MapPost("/t", Handle).WithTopic(
                new TopicOptions { PubsubName = "bus", Name = "t", DeadLetterTopic = "t-dead", EnableRawPayload = true, Metadata = metadata });
            app.MapPost("/p", Handle).WithTopic("bus", "plain", metadata);
            app.MapPost("/u", Handle).WithTopic("bus", "u", true, new Dictionary<string, string> { ["c"] = "d" });
        }));

    [Fact]
    public async Task Raw_payload_can_be_for_all() => Assert.Equal(
        """[{"topic":"t","pubsubName":"bus","route":"t","metadata":{"rawPayload":"true"}}]""",
        await SubscriptionsAsync(app => app.MapPost("/t", Handle).WithTopic("bus", "t"), new SubscribeOptions { EnableRawPayload = true }));

    [Fact]
    public async Task Bulk_settings_belong_to_the_topic_they_name() => Assert.Equal(
        """[{"topic":"a","pubsubName":"bus","route":"x","bulkSubscribe":{"enabled":true,"maxMessagesCount":100,"maxAwaitDurationMs":1000}},{"topic":"b","pubsubName":"bus","route":"x"},{"topic":"c","pubsubName":"bus","route":"y","bulkSubscribe":{"enabled":true,"maxMessagesCount":7,"maxAwaitDurationMs":20}}]""",
        await SubscriptionsAsync(app =>
        {
            app.MapPost("/x", Handle).WithTopic("bus", "a").WithTopic("bus", "b").WithBulkSubscribe(new BulkSubscribeTopicOptions { TopicName = "a" });
            app.MapPost("/y", Handle).WithTopic("bus", "c")
                .WithBulkSubscribe(new BulkSubscribeTopicOptions { TopicName = "c", MaxMessagesCount = 7, MaxAwaitDurationMs = 20 });
        }));

    [Topic("bus", "owned", ["mine"], "|")]
    [TopicMetadata("mine", "k", "1")]
    [TopicMetadata("mine", "k", "2")]
    [TopicMetadata("others", "k", "3")]
    private static void Owner() { }

    [Fact]
    public async Task Attributes_with_owned_metadata() => Assert.Equal(
        """[{"topic":"owned","pubsubName":"bus","route":"o","metadata":{"k":"1|2"}}]""",
        await SubscriptionsAsync(app => app.MapPost("/o", Owner)));

    [Fact]
    public void The_client_is_registered_once_and_configured()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["DAPR_HTTP_PORT"] = "1234", ["DAPR_API_TOKEN"] = "t" }).Build());
        services.AddDaprClient(builder => builder.UseTimeout(TimeSpan.FromSeconds(5)));
        services.AddDaprClient();
        using var provider = services.BuildServiceProvider();

        Assert.Single(services, service => service.ServiceType == typeof(DaprClient));
        Assert.Same(provider.GetRequiredService<DaprClient>(), provider.GetRequiredService<DaprClient>());
    }
}
