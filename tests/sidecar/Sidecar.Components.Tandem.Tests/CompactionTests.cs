using System.Collections.Concurrent;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem.Tests;

public sealed class CompactionTests : IAsyncLifetime
{
    private readonly StoreFixture _fixture = new() { Options = new StoreOptions { CompactAfterBytes = 20_000 } };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Keeps_every_acknowledged_write_while_writers_go_on()
    {
        _ = _fixture.Store;
        var expected = new ConcurrentDictionary<string, string?>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 1500; i++)
            {
                var key = $"{writer}:{i % 100}";
                if (i % 7 == 0)
                {
                    await _fixture.WriteAsync(new StateWrite(key, null));
                    expected[key] = null;
                }
                else
                {
                    await _fixture.SetAsync(key, $"{i}");
                    expected[key] = $"{i}";
                }
            }
        })));
        await _fixture.Store.Compaction;
        await _fixture.CloseAsync();

        Assert.Single(Directory.GetFiles(_fixture.Directory, "*.snapshot"));
        Assert.DoesNotContain(Directory.GetFiles(_fixture.Directory), file => file.EndsWith("00000001.log", StringComparison.Ordinal));
        Assert.All(expected, pair => Assert.Equal(pair.Value, _fixture.Read(pair.Key)));
    }

    [Fact]
    public async Task Keeps_topics_groups_and_what_was_acknowledged_out_of_order()
    {
        var topic = _fixture.Topic;
        await _fixture.Store.EnsureGroupAsync(topic, "group", Durability.Written, default);
        await _fixture.PublishAsync([.. Enumerable.Range(1, 100).Select(i => $"message {i}")]);
        foreach (var sequence in new long[] { 1, 2, 3, 6, 5, 50 })
        {
            await AcknowledgeAsync(topic, sequence);
        }

        // Padding until a snapshot has been taken after all of that.
        while (Directory.GetFiles(_fixture.Directory, "*.snapshot").Length == 0)
        {
            await _fixture.SetAsync("padding", new string('x', 5000));
            await _fixture.Store.Compaction;
        }

        await _fixture.PublishAsync("message 101");
        await _fixture.CloseAsync();

        var group = Assert.Single(_fixture.Topic.Capture().Groups);
        Assert.Equal(("group", 3L), (group.Name, group.AcknowledgedThrough));
        Assert.Equal([(5, 6), (50, 50)], group.AcknowledgedBeyond);
        Assert.Equal(102, _fixture.Topic.Next);
        Assert.Equal(
            Enumerable.Range(1, 101).Select(i => $"message {i}"),
            _fixture.Topic.Capture().Entries.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Data)));
    }

    [Fact]
    public async Task A_snapshot_that_was_not_finished_is_ignored_and_deleted()
    {
        await _fixture.SetAsync("key", "value");
        await _fixture.CloseAsync();
        var unfinished = Path.Combine(_fixture.Directory, "00000002.snapshot.new");
        await File.WriteAllTextAsync(unfinished, "half");

        Assert.Equal("value", _fixture.Read("key"));
        Assert.False(File.Exists(unfinished));
    }

    private async Task AcknowledgeAsync(Broker.Topic topic, long sequence)
    {
        topic.ReplayAcknowledged("group", sequence);
        await ((Broker.IBrokerJournal)_fixture.Store).AcknowledgedAsync(topic, "group", sequence);
    }
}
