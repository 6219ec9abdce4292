using System.Diagnostics;
using System.Text;
using LocalServers;

namespace Load.Sidecars;

/// <summary>
/// Messages published one by one to a real <c>Sidecar.Host</c>, delivered to an app over HTTP and acknowledged, for each broker on its own private
/// server: how many a second, and at a moderate rate how soon. The brokers take turns within one run; the median round counts, and every
/// message is looked for.
/// </summary>
internal sealed class PubSubLoad(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Publishers = 32;
    private const int Handlers = 32;

    /// <summary>Below what the brokers of our own hold and what Redis keeps.</summary>
    private const int MostMessages = 50_000;

    /// <summary>Messages a second while latency is measured, by as many publishers as keep that up on a slow disk.</summary>
    private const int Rate = 200;
    private const int PacedPublishers = 8;
    private const string Message = """{"number":"0000000000","text":"as many bytes as a small event has: 0123456789 0123456789 0123456789 0123456789"}""";
    private static readonly int NumberAt = Message.IndexOf("0000000000", StringComparison.Ordinal);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PacedTurn = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(60);
    private long _number;

    /// <summary>Measures the brokers whose servers are installed; 1 when a message was lost.</summary>
    public static async Task<int> RunAsync(int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("tandem-load-");
        try
        {
            await using var redis = new RedisServer(Path.Combine(folder.FullName, "redis"));
            await using var rabbit = new RabbitMqServer(Path.Combine(folder.FullName, "rabbitmq"));
            MeasuredComponent[] brokers =
            [
                new("in-memory", $$"""{type: pubsub.in-memory, version: v1, metadata: [{name: concurrency, value: "{{Handlers}}"}]}"""),
                new("tandem", $$"""{type: pubsub.tandem, version: v1, metadata: [{name: concurrency, value: "{{Handlers}}"}]}"""),
                .. await MeasuredComponent.OnAsync(redis, () => Task.FromResult(
                    $$"""
                    {type: pubsub.redis, version: v1, metadata: [{name: redisHost, value: "{{redis.Address}}"}, {name: concurrency, value: "{{Handlers}}"},
                      {name: maxLenApprox, value: "{{2 * MostMessages}}"}]}
                    """), output, cancellationToken),
                .. await MeasuredComponent.OnAsync(rabbit, () => Task.FromResult(
                    $$"""
                    {type: pubsub.rabbitmq, version: v1, metadata: [{name: connectionString, value: "{{rabbit.AmqpUri()}}"},
                      {name: durable, value: "true"}, {name: deletedWhenUnused, value: "false"}, {name: publisherConfirm, value: "true"},
                      {name: prefetchCount, value: "{{Handlers}}"}]}
                    """), output, cancellationToken),
            ];
            return await new PubSubLoad(output, rounds, cancellationToken).MeasureAsync(folder, brokers);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<int> MeasureAsync(DirectoryInfo folder, MeasuredComponent[] brokers)
    {
        var port = SidecarUnderLoad.FreePorts(1)[0];
        await using var handler = await MessageHandler.StartAsync(port, brokers.Select(broker => broker.Name), cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var sidecar = await SidecarUnderLoad.StartAsync(
            folder.CreateSubdirectory("sidecar"), 1, port, tracing: false, http, cancellationToken, MeasuredComponent.Resources(brokers));
        await SidecarUnderLoad.UntilAsync(http, new Uri(sidecar.Address, "/v1.0/healthz"), cancellationToken);
        foreach (var broker in brokers)
        {
            await SubscribedAsync(handler, http, Topic(sidecar, broker.Name));
        }

        var measured = brokers.ToDictionary(broker => broker.Name, _ => new List<Round>());

        // The first round is for the compiler.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, own) in measured)
            {
                var address = Topic(sidecar, name);
                var one = await TurnAsync(handler, address, 1, Turn);
                var many = await TurnAsync(handler, address, Publishers, Turn);
                var paced = await TurnAsync(handler, address, PacedPublishers, round > 0 ? PacedTurn : Turn, Rate);
                if (round > 0)
                {
                    own.Add(new Round(one, many, paced));
                }
            }
        }

        await output.WriteLineAsync(
            $"messages of {Message.Length} bytes, {Handlers} handlers at a time, median of {rounds} rounds; x is beside {brokers[0].Name} within a round; "
            + $"fsync of 4 KiB {await FsyncProbe.MeasureAsync(folder, cancellationToken)}");
        var first = measured[brokers[0].Name];
        foreach (var (name, own) in measured)
        {
            await output.WriteLineAsync(
                $"{name,-12} one publisher: {Text(round => round.One.PerSecond, "0")}/s{Ratio(round => round.One.PerSecond)}   "
                + $"{Publishers} publishers: {Text(round => round.Many.PerSecond, "0")}/s{Ratio(round => round.Many.PerSecond)}   "
                + $"{Rate}/s: p50 {Text(round => round.Paced.Median, "0.00")} ms{Ratio(round => round.Paced.Median)}, "
                + $"p99 {Text(round => round.Paced.High, "0.0")} ms{Ratio(round => round.Paced.High)}   "
                + $"published {own.Sum(round => round.Published)}, lost {own.Sum(round => round.Lost)}, again {own.Sum(round => round.Repeated)}");

            string Text(Func<Round, double> value, string format) => Middle(own.Select(value)).ToString(format);

            string Ratio(Func<Round, double> value) => $" ({Middle(own.Zip(first, (round, beside) => value(round) / value(beside))):0.00} x)";
        }

        return measured.Values.SelectMany(own => own).Sum(round => round.Lost) == 0 ? 0 : 1;
    }

    /// <summary>One message has come through: the sidecar is healthy before it has subscribed, and RabbitMQ refuses what no queue takes.</summary>
    private async Task SubscribedAsync(MessageHandler handler, HttpClient http, Uri address)
    {
        handler.Turn = Next(most: 1);
        var message = Message.Replace("0000000000", $"{handler.Turn.Send():D10}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(DrainLimit);
        while (true)
        {
            using var content = new StringContent(message, Encoding.ASCII, "application/json");
            using var response = await http.PostAsync(address, content, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                break;
            }

            await Task.Delay(50, limit.Token);
        }

        await handler.Turn.DrainAsync(1, DrainLimit, cancellationToken);
        if (handler.Turn.Distinct == 0)
        {
            throw new TimeoutException($"a message to {address.AbsolutePath} was not delivered within {DrainLimit.TotalSeconds} s");
        }
    }

    /// <summary>Publishes for the time, as fast as each publisher gets its answers or at a rate, and waits until the last message is handled.</summary>
    private async Task<Times> TurnAsync(MessageHandler handler, Uri address, int publishers, TimeSpan time, int? rate = null)
    {
        var turn = handler.Turn = Next(rate is null ? MostMessages : (int)(rate * time.TotalSeconds));
        var published = 0;
        var begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, publishers).Select(publisher => Task.Run(async () =>
        {
            using var connection = await RawConnection.OpenAsync(address, Message, cancellationToken);
            for (var sent = 0; Stopwatch.GetElapsedTime(begun) < time; sent++)
            {
                if (rate is { } perSecond)
                {
                    var due = TimeSpan.FromSeconds((double)((sent * publishers) + publisher) / perSecond) - Stopwatch.GetElapsedTime(begun);
                    await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero, cancellationToken);
                }

                if (turn.Send() is not { } number)
                {
                    return;
                }

                number.TryFormat(connection.Body[NumberAt..], out _, "D10");
                await connection.SendAsync(cancellationToken);
                Interlocked.Increment(ref published);
            }
        })));
        await turn.DrainAsync(published, DrainLimit, cancellationToken);
        var took = Stopwatch.GetElapsedTime(begun);
        var latencies = turn.Latencies();
        return new Times(
            turn.Distinct / took.TotalSeconds, latencies[latencies.Length / 2], latencies[latencies.Length * 99 / 100],
            published, published - turn.Distinct, turn.Repeated);
    }

    private MessageTurn Next(int most) => new((_number += MostMessages) - MostMessages, most);

    private static Uri Topic(SidecarUnderLoad sidecar, string broker) => new(sidecar.Address, $"/v1.0/publish/{broker}/load");

    private double Middle(IEnumerable<double> values) => values.Order().ElementAt(rounds / 2);

    /// <param name="PerSecond">Messages published, handled and acknowledged.</param>
    /// <param name="Median">Milliseconds from publishing to handling.</param>
    /// <param name="High">The same for one in a hundred.</param>
    /// <param name="Published">Messages whose publishing was answered.</param>
    /// <param name="Lost">Of them, those that no handler has seen.</param>
    /// <param name="Repeated">Handled once more.</param>
    private sealed record Times(double PerSecond, double Median, double High, int Published, int Lost, int Repeated);

    private sealed record Round(Times One, Times Many, Times Paced)
    {
        public int Published => One.Published + Many.Published + Paced.Published;

        public int Lost => One.Lost + Many.Lost + Paced.Lost;

        public int Repeated => One.Repeated + Many.Repeated + Paced.Repeated;
    }
}
