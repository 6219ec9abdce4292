using Sidecar.Abstractions;

namespace Sidecar.Testing.Tests;

public sealed class DeliveryFaultTests
{
    private readonly Inbox _inbox = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dropped_delivery_arrives_when_the_clock_reaches_the_redelivery()
    {
        await using var dapr = await StartAsync();
        var drop = dapr.Faults.Deliveries("orders").Drop();

        await PublishAsync(dapr, 1);
        await dapr.WaitForDeliveryAsync("orders", "inbox", delivery => delivery.Outcome == DeliveryOutcome.Failed, cancellationToken: Cancel);
        Assert.Empty(_inbox.Numbers);

        Assert.Equal(TimeSpan.FromSeconds(15), await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel));
        Assert.Equal([1], _inbox.Numbers);
        Assert.Equal(1, drop.Hits);
        Assert.Equal([(1, 0), (2, 1)], dapr.Deliveries.Select(delivery => (delivery.Attempt, delivery.Handled)));
    }

    [Fact]
    public async Task Duplicated_delivery_reaches_the_app_twice_and_is_acknowledged_once()
    {
        await using var dapr = await StartAsync();
        dapr.Faults.Deliveries("orders", "inbox").Duplicate();

        await PublishAsync(dapr, 1, 2);
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);

        Assert.Equal([1, 1, 2], _inbox.Numbers.Order());
        Assert.Equal(2, dapr.Deliveries.Count);
    }

    [Fact]
    public async Task Duplicates_at_once_are_in_the_app_at_the_same_time()
    {
        var both = new CountdownEvent(2);
        _inbox.OnMessage = async _ =>
        {
            both.Signal();
            await Task.Run(() => both.Wait(Cancel), Cancel);
            return 200;
        };
        await using var dapr = await StartAsync();
        dapr.Faults.Deliveries("orders").DuplicateAtOnce();

        await PublishAsync(dapr, 1);
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);

        Assert.Equal([1, 1], _inbox.Numbers);
    }

    [Fact]
    public async Task Delayed_delivery_waits_for_the_clock()
    {
        await using var dapr = await StartAsync();
        dapr.Faults.Deliveries("orders").Delay(TimeSpan.FromMinutes(5));

        await PublishAsync(dapr, 1);
        await dapr.AdvanceAsync(TimeSpan.FromMinutes(4), Cancel);
        Assert.Empty(_inbox.Numbers);
        await dapr.AdvanceAsync(TimeSpan.FromMinutes(1), Cancel);

        Assert.Equal([1], _inbox.Numbers);
    }

    [Fact]
    public async Task Reordered_deliveries_arrive_one_after_the_other_in_an_order_of_the_seed()
    {
        int[] first = [];
        for (var run = 0; run < 2; run++)
        {
            var inbox = new Inbox();
            await using var dapr = await SidecarHost.StartAsync(options => options.Seed = 7, Cancel);
            dapr.Faults.Deliveries("orders").Reorder(window: 5);
            await dapr.StartAppAsync("inbox", inbox.Map, Cancel);

            await PublishAsync(dapr, 1, 2, 3, 4, 5);
            await dapr.WaitForIdleAsync(cancellationToken: Cancel);

            int[] order = [.. inbox.Numbers];
            Assert.Equal([1, 2, 3, 4, 5], order.Order());
            Assert.NotEqual([1, 2, 3, 4, 5], order);
            Assert.Equal(run == 0 ? order : first, order);
            first = order;
        }
    }

    [Fact]
    public async Task Deliveries_that_fill_a_batch_at_once_leave_nothing_behind()
    {
        const int Rounds = 2_000;
        const int AtOnce = 8;
        var reordering = new Reordering(window: 4, seed: 1);
        using var together = new Barrier(AtOnce);

        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30), Cancel), "another thread failed");
                    var attempt = new DeliveryAttempt(new Delivery("pubsub", "orders", "inbox", 0, $"{round}-{thread}", 1, default), maxHandlers: AtOnce);
                    Assert.True(reordering.ApplyAsync(attempt, () => Task.CompletedTask, Cancel).Wait(TimeSpan.FromSeconds(30), Cancel), $"held in round {round}");
                }
            },
            Cancel,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
    }

    [Fact]
    public async Task Reordered_deliveries_that_are_too_few_wait_until_the_fault_ends()
    {
        await using var dapr = await StartAsync();
        var reorder = dapr.Faults.Deliveries("orders").Reorder(window: 3);
        await PublishAsync(dapr, 1, 2);
        await dapr.WaitForFaultAsync(reorder, hits: 2, cancellationToken: Cancel);

        var exception = await Assert.ThrowsAsync<TimeoutException>(() => dapr.WaitForIdleAsync(TimeSpan.FromMilliseconds(50), Cancel));
        Assert.Contains("2 messages of pubsub/orders are not acknowledged by inbox", exception.Message);
        reorder.Dispose();
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);

        Assert.Equal([1, 2], _inbox.Numbers.Order());
    }

    [Fact]
    public async Task Faults_are_chosen_by_predicate_position_and_count()
    {
        await using var dapr = await StartAsync();
        var drop = dapr.Faults.Deliveries().When(attempt => attempt.Delivery.Payload<Order>()!.Number % 2 == 0).After(1).Times(1).Drop();

        foreach (var number in Enumerable.Range(1, 6))
        {
            await PublishAsync(dapr, number);
            await dapr.WaitForDeliveryAsync("orders", "inbox", delivery => delivery.Payload<Order>()!.Number == number && delivery.Outcome != DeliveryOutcome.Running, cancellationToken: Cancel);
        }

        Assert.Equal([1, 2, 3, 5, 6], _inbox.Numbers);
        Assert.Equal(1, drop.Hits);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Chance_is_decided_by_the_seed_alone(int seed)
    {
        var runs = new List<string>();
        for (var run = 0; run < 2; run++)
        {
            await using var dapr = await SidecarHost.StartAsync(options => options.Seed = seed, Cancel);
            var drop = dapr.Faults.Deliveries("orders").WithProbability(0.4).Drop();
            await dapr.StartAppAsync("inbox", new Inbox().Map, Cancel);
            await PublishAsync(dapr, [.. Enumerable.Range(1, 20)]);
            await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);

            Assert.InRange(drop.Hits, 2, 60);
            runs.Add(string.Join(' ', dapr.Deliveries.Where(delivery => delivery.Handled == 0).Select(delivery => $"{delivery.MessageId}/{delivery.Attempt}").Order()));
        }

        Assert.Equal(runs[0], runs[1]);
    }

    [Fact]
    public async Task A_message_that_nobody_takes_ends_in_the_dead_letters()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddYaml("""
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: orders}
            spec: {pubsubname: pubsub, topic: orders, routes: {default: /inbox}, deadLetterTopic: orders-dead}
            scopes: [inbox]
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: retries}
            spec:
              policies: {retries: {slowly: {policy: constant, duration: 10s, maxRetries: 2}}}
              targets: {components: {pubsub: {inbound: {retry: slowly}}}}
            """), Cancel);
        var inbox = new Inbox(topic: "unused") { OnMessage = _ => Task.FromResult(500) };
        await dapr.StartAppAsync("inbox", inbox.Map, Cancel);

        await PublishAsync(dapr, 1);
        await dapr.AdvanceAsync(TimeSpan.FromSeconds(19), Cancel);
        Assert.Equal(2, inbox.Numbers.Count);
        await dapr.AdvanceAsync(TimeSpan.FromSeconds(1), Cancel);

        Assert.Equal(1, (await dapr.WaitForPublishedAsync("orders-dead", cancellationToken: Cancel)).Payload<Order>()!.Number);
        Assert.Equal(3, inbox.Numbers.Count);
    }

    [Fact]
    public async Task A_message_stays_until_its_dead_letter_is_accepted()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddYaml("""
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: orders}
            spec: {pubsubname: pubsub, topic: orders, routes: {default: /inbox}, deadLetterTopic: orders-dead}
            scopes: [inbox]
            """), Cancel);
        var inbox = new Inbox(topic: "unused") { OnMessage = _ => Task.FromResult(500) };
        await dapr.StartAppAsync("inbox", inbox.Map, Cancel);
        var refused = dapr.Faults.Publishes("orders-dead").Times(2).Fail();

        await PublishAsync(dapr, 1);
        await dapr.AdvanceUntilAsync(() => refused.Hits == 2, TimeSpan.FromMinutes(1), Cancel);
        Assert.DoesNotContain(dapr.Published, message => message.Topic == "orders-dead");
        await dapr.AdvanceUntilAsync(() => dapr.Published.Any(message => message.Topic == "orders-dead"), TimeSpan.FromMinutes(1), Cancel);

        var letter = dapr.Published.Single(message => message.Topic == "orders-dead");
        Assert.Equal(1, letter.Payload<Order>()!.Number);
        Assert.Equal("the app answered 500", letter.Envelope.GetProperty("deadletterreason").GetString());
    }

    [Fact]
    public async Task Failed_publish_is_told_and_publishes_nothing_and_one_that_fails_afterwards_does()
    {
        await using var dapr = await StartAsync();
        dapr.Faults.Publishes("orders").Fail();
        await Assert.ThrowsAsync<HttpRequestException>(() => PublishAsync(dapr, 1));
        dapr.Faults.Publishes("orders").FailAfterwards();
        await Assert.ThrowsAsync<HttpRequestException>(() => PublishAsync(dapr, 2));
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);

        Assert.Equal([2], _inbox.Numbers);
        Assert.Equal([2], dapr.Published.Select(message => message.Payload<Order>()!.Number));
    }

    private static async Task PublishAsync(SidecarHost dapr, params int[] numbers)
    {
        foreach (var number in numbers)
        {
            await dapr.Self.PublishAsync("pubsub", "orders", new Order(number), cancellationToken: Cancel);
        }
    }

    private async Task<SidecarHost> StartAsync()
    {
        var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        await dapr.StartAppAsync("inbox", _inbox.Map, Cancel);
        return dapr;
    }

    private sealed record Order(int Number);
}
