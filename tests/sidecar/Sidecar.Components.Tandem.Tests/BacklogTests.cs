using System.Buffers.Binary;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using TestKit;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>A million messages for an app that is not there: memory stays under what docs/engines.md says, no more are taken, and all are there when it comes.</summary>
[Trait("Category", "Fault")]
[Collection(nameof(BacklogTests))]
[CollectionDefinition(nameof(BacklogTests), DisableParallelization = true)]
public sealed class BacklogTests : IDisposable
{
    private const int Messages = 1_000_000;
    private const int MessageBytes = 100;

    /// <summary>What a queued message may take beyond its own bytes.</summary>
    private const int OverheadBytes = 200;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("pubsub.tandem", "durable=false")]
    [InlineData("pubsub.tandem", "durable=true")]
    public async Task A_million_messages_wait_in_bounded_memory(string type, string metadata)
    {
        await using var broker = await CreateAsync(type, metadata);
        await (await broker.SubscribeAsync(Request((_, _) => Task.CompletedTask), default)).DisposeAsync();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        foreach (var numbers in Enumerable.Range(0, Messages).Chunk(10_000))
        {
            await PublishAsync(broker, numbers);
        }

        var perMessage = (GC.GetTotalMemory(forceFullCollection: true) - before) / Messages;
        TestContext.Current.TestOutputHelper?.WriteLine($"{metadata}: {perMessage} bytes of memory for a message of {MessageBytes}");
        Assert.InRange(perMessage, MessageBytes, MessageBytes + OverheadBytes);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PublishAsync(broker, 0));
        Assert.Equal(
            $"topic 'topic' of 'bus' holds {Messages} unacknowledged messages and takes no more until its subscribers catch up: "
            + $"its limit is {Messages} (metadata maxBacklog)",
            refused.Message);

        await DeliverAllAsync(broker);
        await PublishAsync(broker, 0);
    }

    private static async Task DeliverAllAsync(IPubSub broker)
    {
        var seen = new int[Messages];
        var count = 0;
        var all = new TaskCompletionSource();
        await using var subscription = await broker.SubscribeAsync(
            Request((message, _) =>
            {
                Interlocked.Increment(ref seen[BinaryPrimitives.ReadInt32LittleEndian(message.Data.Span)]);
                if (Interlocked.Increment(ref count) == Messages)
                {
                    all.SetResult();
                }

                return Task.CompletedTask;
            }),
            default);
        await all.Task.WaitAsync(TimeSpan.FromMinutes(5));
        Assert.All(seen.Distinct(), times => Assert.Equal(1, times));
    }

    private async Task<IPubSub> CreateAsync(string type, string metadata)
    {
        var values = $"{metadata};maxBacklog={Messages}".Split(';').Select(pair => pair.Split('=')).Select(pair => KeyValuePair.Create(pair[0], pair[1]));
        var component = (IPubSub)new ComponentRegistry().AddTandem().Find(type)!(new ComponentContext(
            "bus", type, "v1", new ComponentMetadata(values), "app", 0, _directory.Path, _directory.Path, new ServiceCollection().BuildServiceProvider()));
        await component.InitAsync(default);
        return component;
    }

    private static SubscriptionRequest Request(Func<IncomingMessage, CancellationToken, Task> handle) => new("topic", ComponentMetadata.Empty, handle);

    private static async Task PublishAsync(IPubSub broker, params int[] numbers) =>
        await broker.PublishManyAsync("topic", [.. numbers.Select(number => new OutgoingMessage(Message(number), null, ComponentMetadata.Empty))], default);

    private static byte[] Message(int number)
    {
        var bytes = new byte[MessageBytes];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }
}
