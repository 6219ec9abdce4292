using System.Globalization;
using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>
/// The process that is killed: writes keys, pairs of keys in transactions, and messages, and prints a line for each that was
/// acknowledged (0 key, 1 pair, 2 message) and for each message handled (3). Compacts often, so that kills hit compactions too.
/// </summary>
internal static class Victim
{
    private const int Writers = 8;

    public static async Task<int> RunAsync(string directory, int seed)
    {
        await using var store = FileStore.Open(directory, new StoreOptions { CompactAfterBytes = 64 * 1024 });
        var table = store.Table("state/test");
        var topic = store.Broker("pubsub").Topic("topic");
        await store.EnsureGroupAsync(topic, "group", Durability.Flushed, default);
        await using var output = new StreamWriter(Console.OpenStandardOutput(), Encoding.ASCII) { AutoFlush = true };
        var acknowledged = TextWriter.Synchronized(output);
        await acknowledged.WriteLineAsync("ready");

        // Line 3: handled. It is printed before the acknowledgement, so whatever is acknowledged has its line.
        await using var consumer = new GroupSubscription(
            topic, topic.Group("group", ephemeral: false, 0), new SubscriptionRequest("topic", ComponentMetadata.Empty, (message, _) =>
            {
                acknowledged.WriteLine($"3 {Encoding.ASCII.GetString(message.Data.Span)}!");
                return Task.CompletedTask;
            }), default);

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random(seed * Writers + writer);
            for (var i = 0; ; i++)
            {
                var id = $"{seed}.{writer}.{i}";
                var payload = Encoding.ASCII.GetBytes(id.PadRight(random.Next(20, 2000), '.'));
                switch (i % 3)
                {
                    case 0:
                        await store.WriteAsync(table, [new StateWrite("one:" + id, payload)], Durability.Flushed, default);
                        break;
                    case 1:
                        await store.WriteAsync(
                            table, [new StateWrite("left:" + id, payload), new StateWrite("right:" + id, payload)], Durability.Flushed, default);
                        break;
                    default:
                        await store.PublishAsync(topic, [StoreFixture.Entry(id)], Durability.Flushed, default);
                        break;
                }

                acknowledged.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{i % 3} {id}!"));
            }
        })));
        return 0;
    }
}
