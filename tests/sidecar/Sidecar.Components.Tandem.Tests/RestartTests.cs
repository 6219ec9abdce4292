using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using TestKit;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>What <c>pubsub.tandem</c> and <c>configuration.tandem</c> keep over a restart of the sidecar.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Channel<IncomingMessage> _received = Channel.CreateUnbounded<IncomingMessage>();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Delivers_again_at_once_what_was_not_acknowledged()
    {
        using var cancel = new CancellationTokenSource();
        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem"))
        {
            var subscription = await broker.SubscribeAsync(Request((message, token) =>
                Text(message) == "acknowledged" ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token)), cancel.Token);
            await PublishAsync(broker, "acknowledged", "pending 1", "pending 2");
            for (var i = 0; i < 3; i++)
            {
                await NextAsync();
            }

            await cancel.CancelAsync();
            await subscription.DisposeAsync();
        }

        await using var again = await CreateAsync<IPubSub>("pubsub.tandem");
        await using var second = await again.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);

        Assert.Equal(["pending 1", "pending 2"], new[] { Text(await NextAsync()), Text(await NextAsync()) }.Order());
        await PublishAsync(again, "last");
        Assert.Equal("last", Text(await NextAsync()));
    }

    [Fact]
    public async Task A_new_group_gets_the_history_that_others_have_acknowledged()
    {
        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem"))
        {
            await using var subscription = await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);
            await PublishAsync(broker, "one", "two");
            await NextAsync();
            await NextAsync();
        }

        await using var other = await CreateAsync<IPubSub>("pubsub.tandem", "consumerID=other");
        await using var second = await other.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);

        Assert.Equal(["one", "two"], new[] { Text(await NextAsync()), Text(await NextAsync()) }.Order());
    }

    [Fact]
    public async Task Never_drops_what_a_lasting_group_has_not_acknowledged_unless_told()
    {
        var all = Enumerable.Range(0, 12_000).Select(i => $"{i}").ToArray();
        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem"))
        {
            await (await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default)).DisposeAsync();
            await PublishAsync(broker, all);
        }

        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem"))
        {
            await using var subscription = await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);
            var seen = new HashSet<string>();
            while (seen.Count < all.Length)
            {
                seen.Add(Text(await NextAsync()));
            }
        }
    }

    [Fact]
    public async Task Max_length_keeps_the_newest()
    {
        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem", "maxLenApprox=3"))
        {
            await (await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default)).DisposeAsync();
            await PublishAsync(broker, "1", "2", "3", "4", "5");
        }

        await using var again = await CreateAsync<IPubSub>("pubsub.tandem", "maxLenApprox=3;concurrency=1");
        await using var subscription = await again.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);

        Assert.Equal(["3", "4", "5"], [Text(await NextAsync()), Text(await NextAsync()), Text(await NextAsync())]);
    }

    [Theory]
    [InlineData("maxBacklog=2", "maxBacklog)")]
    [InlineData("maxBacklogBytes=2", "maxBacklogBytes)")]
    public async Task Publishing_fails_while_the_backlog_is_full_also_after_a_restart(string metadata, string limit)
    {
        await using (var broker = await CreateAsync<IPubSub>("pubsub.tandem", metadata))
        {
            await (await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default)).DisposeAsync();
            await PublishAsync(broker, "1", "2");

            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PublishAsync(broker, "3"));
            Assert.EndsWith(limit, refused.Message, StringComparison.Ordinal);
        }

        await using var again = await CreateAsync<IPubSub>("pubsub.tandem", metadata + ";concurrency=1");
        await Assert.ThrowsAsync<InvalidOperationException>(() => PublishAsync(again, "3"));
        await using var subscription = await again.SubscribeAsync(Request((_, _) => Task.CompletedTask), default);
        Assert.Equal(["1", "2"], [Text(await NextAsync()), Text(await NextAsync())]);
    }

    [Fact]
    public async Task A_lock_survives_a_restart()
    {
        await using (var locks = await CreateAsync<ILockStore>("lock.tandem"))
        {
            Assert.True(await locks.TryLockAsync("resource", "owner", TimeSpan.FromHours(1), default));
        }

        await using var again = await CreateAsync<ILockStore>("lock.tandem");
        Assert.False(await again.TryLockAsync("resource", "other", TimeSpan.FromHours(1), default));
        Assert.Equal(UnlockStatus.Success, await again.UnlockAsync("resource", "owner", default));
    }

    [Fact]
    public async Task Configuration_takes_changed_items_from_its_file()
    {
        var file = Path.Combine(_directory.Path, "seed.json");
        await File.WriteAllTextAsync(file, """{"a": "1", "b": {"value": "2", "version": "v7"}}""");
        IReadOnlyDictionary<string, ConfigurationItem> before;
        await using (var store = await CreateAsync<IConfigurationStore>("configuration.tandem", "file=seed.json"))
        {
            before = await store.GetAsync([], ComponentMetadata.Empty, default);
            Assert.Equal(("1", "2", "v7"), (before["a"].Value, before["b"].Value, before["b"].Version));
        }

        await File.WriteAllTextAsync(file, """{"a": "changed"}""");
        await using var again = await CreateAsync<IConfigurationStore>("configuration.tandem", "file=seed.json");
        var after = await again.GetAsync([], ComponentMetadata.Empty, default);
        Assert.Equal(("changed", "2"), (after["a"].Value, after["b"].Value));
        Assert.True(long.Parse(after["a"].Version, CultureInfo.InvariantCulture) > long.Parse(before["a"].Version, CultureInfo.InvariantCulture));

        await File.WriteAllTextAsync(file, "[1]");
        await Assert.ThrowsAsync<ComponentException>(() => CreateAsync<IConfigurationStore>("configuration.tandem", "file=seed.json"));
    }

    private async Task<T> CreateAsync<T>(string type, string metadata = "") where T : IComponent
    {
        var values = metadata.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]));
        var component = (T)new ComponentRegistry().AddTandem().Find(type)!(new ComponentContext(
            "component", type, "v1", new ComponentMetadata(values), "app", 0, _directory.Path, _directory.Path, new ServiceCollection().BuildServiceProvider()));
        await component.InitAsync(default);
        return component;
    }

    private SubscriptionRequest Request(Func<IncomingMessage, CancellationToken, Task> handle) => new("topic", ComponentMetadata.Empty, (message, token) =>
    {
        _received.Writer.TryWrite(message);
        return handle(message, token);
    });

    private async Task<IncomingMessage> NextAsync() => await _received.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

    private static async Task PublishAsync(IPubSub broker, params string[] texts) => await broker.PublishManyAsync(
        "topic", [.. texts.Select(text => new OutgoingMessage(Encoding.UTF8.GetBytes(text), null, ComponentMetadata.Empty))], default);

    private static string Text(IncomingMessage message) => Encoding.UTF8.GetString(message.Data.Span);
}
