using System.Threading.Channels;
using LocalServers;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests;

public sealed class ConfigurationTests
{
    [Fact]
    public async Task Reads_strings_with_and_without_a_version_and_skips_the_rest()
    {
        await using var run = await RedisRun.StartAsync();
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis");
        await run.TypeAsync("MSET plain 1 versioned 2||v2 empty ||");
        await run.TypeAsync("HSET hash a b");

        var items = await store.GetAsync([], ComponentMetadata.Empty, default);

        Assert.Equal(
            [("empty", "", ""), ("plain", "1", ""), ("versioned", "2", "v2")],
            items.Select(item => (item.Key, item.Value.Value, item.Value.Version)).Order());
        Assert.Equal(["plain"], (await store.GetAsync(["plain", "hash", "absent"], ComponentMetadata.Empty, default)).Keys);
    }

    [Fact]
    public async Task Adds_what_is_missing_to_the_setting_of_the_server()
    {
        await using var run = await RedisRun.StartAsync(new RedisServerOptions { Arguments = ["--notify-keyspace-events", "El"] });
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis");

        var (changes, _) = await SubscribeAsync(store);
        await run.TypeAsync("SET a 1||v1");

        Assert.Equal(("a", "1", "v1"), await NextAsync(changes));
        var flags = (await run.TypeAsync("CONFIG GET notify-keyspace-events")).Items[1].AsString()!;
        Assert.All("EKgl$xe", flag => Assert.Contains(flag, flags));
    }

    [Fact]
    public async Task A_setting_that_is_known_to_be_off_and_may_not_be_changed_refuses_the_subscription()
    {
        await using var run = await RedisRun.StartAsync();
        await run.TypeAsync("ACL SETUSER app on >secret ~* &* +@all -config|set");
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis", ("redisUsername", "app"), ("redisPassword", "secret"));

        var refused = await Assert.ThrowsAsync<ComponentException>(() => SubscribeAsync(store));
        Assert.StartsWith($"redis at {run.Server.Address} announces no changes: its setting notify-keyspace-events is \"\"", refused.Message, StringComparison.Ordinal);

        await run.TypeAsync("CONFIG SET notify-keyspace-events KA");
        var (changes, _) = await SubscribeAsync(store, "a");
        await run.TypeAsync("SET a 1");
        Assert.Equal(("a", "1", ""), await NextAsync(changes));
    }

    [Fact]
    public async Task A_server_that_hides_its_settings_is_taken_at_its_word()
    {
        await using var run = await RedisRun.StartAsync();
        await run.TypeAsync("CONFIG SET notify-keyspace-events KA");
        await run.TypeAsync("ACL SETUSER app on >secret ~* &* +@all -config");
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis", ("redisUsername", "app"), ("redisPassword", "secret"));

        var (changes, _) = await SubscribeAsync(store, "a");
        await run.TypeAsync("SET a 1");

        Assert.Equal(("a", "1", ""), await NextAsync(changes));
    }

    [Fact]
    public async Task Tells_of_what_expires_is_renamed_or_becomes_no_string()
    {
        await using var run = await RedisRun.StartAsync();
        await run.TypeAsync("MSET a 1 b 2 c 3");
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis");
        var (changes, _) = await SubscribeAsync(store);

        await run.TypeAsync("PEXPIRE a 20");
        Assert.Equal(("a", "", ""), await NextAsync(changes));
        await run.TypeAsync("RENAME b d");
        Assert.Equal([("b", "", ""), ("d", "2", "")], new[] { await NextAsync(changes), await NextAsync(changes) }.Order());
        await run.TypeAsync("MULTI");
        await run.TypeAsync("DEL c");
        await run.TypeAsync("HSET c x y");
        await run.TypeAsync("EXEC");
        Assert.Equal(("c", "", ""), await NextAsync(changes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_changed_while_the_connection_was_away_is_told_and_announced_again(bool named)
    {
        await using var run = await RedisRun.StartAsync();
        await run.TypeAsync("MSET changed 1 gone 1 same 1");
        var store = await run.CreateAsync<IConfigurationStore>("configuration.redis", ("redisMinRetryInterval", "500ms"), ("redisMaxRetryInterval", "1s"));
        var (changes, _) = await SubscribeAsync(store, named ? ["changed", "gone", "same", "new"] : []);

        // The restarted server knows nothing of CONFIG SET, and is changed by others before the component is back.
        await run.Server.KillAsync();
        await run.Server.RestartAsync();
        // What the test's own client sends before it has noticed goes to the dead server.
        await Wait.UntilAsync(() => Task.FromResult(run.Cli.Generation == 2));
        await run.TypeAsync("MSET changed 2||v2 new 1");
        await run.TypeAsync("DEL gone");

        (string, string, string)[] told = [await NextAsync(changes), await NextAsync(changes), await NextAsync(changes)];
        Assert.Equal([("changed", "2", "v2"), ("gone", "", ""), ("new", "1", "")], told.Order());

        await run.TypeAsync("SET same 3");
        Assert.Equal(("same", "3", ""), await NextAsync(changes));
    }

    private static async Task<(ChannelReader<(string, string, string)> Changes, IAsyncDisposable Subscription)> SubscribeAsync(
        IConfigurationStore store, params string[] keys)
    {
        var changes = Channel.CreateUnbounded<(string, string, string)>();
        var subscription = await store.SubscribeAsync(
            keys, ComponentMetadata.Empty, (key, item) => changes.Writer.TryWrite((key, item.Value, item.Version)), default);
        return (changes.Reader, subscription);
    }

    private static async Task<(string Key, string Value, string Version)> NextAsync(ChannelReader<(string, string, string)> changes) =>
        await changes.ReadAsync().AsTask().WaitAsync(Wait.Limit);
}
