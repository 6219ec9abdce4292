using System.Net.Http.Json;

namespace Sidecar.Testing.Tests;

public sealed class OutboxTests
{
    private const string Store = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: statestore}
        spec:
          type: state.in-memory
          version: v1
          metadata:
          - {name: outboxPublishPubsub, value: pubsub}
          - {name: outboxPublishTopic, value: account-changed}
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_messages_of_a_transaction_are_seen()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddYaml(Store), Cancel);

        await TransactAsync(dapr);

        var published = await dapr.WaitForPublishedAsync("account-changed", cancellationToken: Cancel);
        Assert.Equal(("pubsub", 7), (published.Component, published.Payload<int>()));
        Assert.StartsWith("outbox-", published.Envelope.GetProperty("id").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_refuses_the_message_and_a_crash_delay_it()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddYaml(Store), Cancel);
        var refused = dapr.Faults.Publishes("account-changed").Fail();

        await TransactAsync(dapr);
        await dapr.WaitForFaultAsync(refused, cancellationToken: Cancel);
        Assert.DoesNotContain(dapr.Published, message => message.Topic == "account-changed");
        await dapr.RestartAsync(crash: true, Cancel);

        await dapr.WaitForPublishedAsync("account-changed", cancellationToken: Cancel);
    }

    private static async Task TransactAsync(SidecarHost dapr)
    {
        using var client = dapr.CreateClient();
        using var response = await client.PostAsJsonAsync(
            "v1.0/state/statestore/transaction",
            new { operations = new[] { new { operation = "upsert", request = new { key = "k", value = 7, metadata = new { contentType = "application/json" } } } } }, Cancel);
        response.EnsureSuccessStatusCode();
    }
}
