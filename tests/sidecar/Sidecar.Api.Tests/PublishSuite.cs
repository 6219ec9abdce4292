using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class PublishOverHttp() : PublishSuite(HttpDoor.Open);

public sealed class PublishOverGrpc() : PublishSuite(GrpcDoor.Open);

/// <summary>Publishing (dapr-http §2, grpc §2.1): what the broker gets.</summary>
public abstract class PublishSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    private const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private const string Retry = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies:
            retries:
              quick: {policy: constant, duration: 0s, maxRetries: 2}
          targets:
            components:
              flaky: {outbound: {retry: quick}}
        """;

    private readonly RecordingBroker _broker = new();

    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun { Types = types => types.Add("pubsub.recording", _ => _broker) };
        run.Component("bus", "pubsub.recording", "publishingScopes=publisher=open").Component("flaky", "pubsub.recording").Yaml("resiliency.yaml", Retry);
        await run.AppAsync("publisher");
        return run;
    }

    [Theory]
    [InlineData("application/json", """{"n":1}""", """ "datacontenttype":"application/json" | "data":{"n":1} """)]
    [InlineData("application/json", "broken", """ "data":"broken" """)]
    [InlineData("text/html", "<b>", """ "datacontenttype":"text/html" | "data":"\u003Cb\u003E" """)]
    [InlineData(null, "words", """ "datacontenttype":"text/plain" | "data":"words" """)]
    [InlineData("application/octet-stream", "bytes", """ "datacontenttype":"application/octet-stream" | "data_base64":"Ynl0ZXM=" """)]
    [InlineData("application/json; v=2", """[1]""", """ "datacontenttype":"application/json; v=2" | "data":[1] """)]
    public async Task Data_travels_in_an_envelope_of_its_type(string? contentType, string data, string members)
    {
        await Door.PublishAsync("flaky", "orders", Encoding.UTF8.GetBytes(data), contentType);

        var (topic, envelope) = _broker.Next();
        Assert.Equal("orders", topic);
        Assert.All(members.Split(" | "), member => Assert.Contains(member.Trim(), envelope, StringComparison.Ordinal));
        Assert.Contains("\"source\":\"publisher\"", envelope, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_envelope_of_the_publisher_is_completed()
    {
        await Door.PublishAsync("flaky", "orders", """{"id":"own","data":7}"""u8.ToArray(), "application/cloudevents+json");

        var envelope = _broker.NextEnvelope();
        Assert.Equal(("own", 7, "flaky", "orders"), (
            envelope.GetProperty("id").GetString(), envelope.GetProperty("data").GetInt32(), envelope.GetProperty("pubsubname").GetString(), envelope.GetProperty("topic").GetString()));
    }

    [Fact]
    public async Task Metadata_and_trace_context_are_in_the_envelope()
    {
        await Door.PublishAsync("flaky", "t", "x"u8.ToArray(), metadata: [("cloudevent.id", "id-1"), ("cloudevent.type", "big"), ("ttlInSeconds", "10")], traceParent: TraceParent);

        var envelope = _broker.NextEnvelope();
        Assert.Equal(
            ("id-1", "big", TraceParent, TraceParent, "2026-01-01T00:00:10+00:00"),
            (envelope.GetProperty("id").GetString(), envelope.GetProperty("type").GetString(), envelope.GetProperty("traceid").GetString(),
                envelope.GetProperty("traceparent").GetString(), envelope.GetProperty("expiration").GetString()));
    }

    [Fact]
    public async Task A_raw_payload_travels_as_it_is()
    {
        await Door.PublishAsync("flaky", "t", "raw"u8.ToArray(), "text/plain", [("rawPayload", "true")]);

        Assert.Equal("raw", _broker.Next().Data);
        await Door.FailsAsync(
            door => door.PublishAsync("flaky", "t", "{}"u8.ToArray(), metadata: [("rawPayload", "abc")]),
            "DAPR_PUBSUB_METADATA_DESERIALIZATION", 400, GrpcStatusCode.InvalidArgument);
    }

    [Fact]
    public async Task Many_are_published_in_order_and_what_the_broker_refuses_is_told()
    {
        Assert.Empty(await Door.PublishManyAsync("flaky", "t", new Entry("1", "{\"n\":1}", Metadata: [("cloudevent.id", "first")]), new Entry("2", "\"two\"", "text/plain")));

        Assert.Equal("first", _broker.NextEnvelope().GetProperty("id").GetString());
        Assert.Contains("two", _broker.NextEnvelope().GetProperty("data").GetString(), StringComparison.Ordinal);

        _broker.Refuses = envelope => envelope.Contains("\"bad\"", StringComparison.Ordinal);
        Assert.Equal(["b"], await Door.PublishManyAsync("flaky", "t", new Entry("a", "\"good\""), new Entry("b", "\"bad\"")));
    }

    [Fact]
    public async Task A_broker_that_is_not_ready_is_asked_again_by_the_policy()
    {
        _broker.Failures = 2;
        await Door.PublishAsync("flaky", "t", "x"u8.ToArray());
        _broker.Failures = 2;
        Assert.Empty(await Door.PublishManyAsync("flaky", "t", new Entry("1", "\"e\"")));

        Assert.Equal(0, _broker.Failures);
    }

    [Fact]
    public async Task Errors_are_daprs()
    {
        static Task PublishAsync(Door door, string pubSub, string topic) => door.PublishAsync(pubSub, topic, "x"u8.ToArray());

        await Door.FailsAsync(d => PublishAsync(d, "nobody", "t"), "DAPR_PUBSUB_NOT_FOUND", 404, GrpcStatusCode.InvalidArgument, "pubsub nobody is not found");
        await Door.FailsAsync(d => PublishAsync(d, "bus", ""), "DAPR_PUBSUB_TOPIC_NAME_EMPTY", 404, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(d => PublishAsync(d, "bus", "closed"), "DAPR_PUBSUB_FORBIDDEN", 403, GrpcStatusCode.PermissionDenied, "topic closed is not allowed for app id publisher");
        await Door.FailsAsync(d => d.PublishManyAsync("bus", "closed", new Entry("1", "1")), "DAPR_PUBSUB_FORBIDDEN", 403, GrpcStatusCode.PermissionDenied);
        await Door.FailsAsync(d => d.PublishManyAsync("bus", "open", new Entry("1", "1"), new Entry("1", "2")), "DAPR_PUBSUB_EVENTS_SER", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(d => d.PublishManyAsync("bus", "open", new Entry("", "1")), "DAPR_PUBSUB_EVENTS_SER", 400, GrpcStatusCode.InvalidArgument);
        _broker.Failures = 1;
        await Door.FailsAsync(d => PublishAsync(d, "bus", "open"), "DAPR_PUBSUB_PUBLISH_MESSAGE", 500, GrpcStatusCode.Internal, "error when publish to topic open in pubsub bus: not now");
    }

    [Fact]
    public async Task Without_a_broker_the_error_says_so()
    {
        await using var run = new TestRun();
        await run.AppAsync("app");
        await run.StartAsync();
        using var door = Open(0, run);

        await door.FailsAsync(
            d => d.PublishAsync("bus", "t", [1]), "DAPR_PUBSUB_NOT_CONFIGURED", 400, GrpcStatusCode.FailedPrecondition, "no pubsub is configured for app app");
    }

    /// <summary>Keeps what is published.</summary>
    private sealed class RecordingBroker : IPubSub
    {
        private readonly ConcurrentQueue<(string Topic, string Data)> _published = [];

        public int Failures { get; set; }

        public Func<string, bool> Refuses { get; set; } = _ => false;

        public PubSubFeatures Features => PubSubFeatures.None;

        public int MaxHandlers => 1;

        public TimeSpan ProcessingTimeout => TimeSpan.Zero;

        public (string Topic, string Data) Next() =>
            _published.TryDequeue(out var message) ? message : throw new InvalidOperationException("nothing was published");

        public JsonElement NextEnvelope() => JsonDocument.Parse(Next().Data).RootElement;

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken) =>
            await PublishManyAsync(topic, [message], cancellationToken);

        public ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
        {
            if (Failures > 0)
            {
                Failures--;
                throw new IOException("not now");
            }

            var outcomes = new List<Exception?>();
            foreach (var data in messages.Select(message => Encoding.UTF8.GetString(message.Data.Span)))
            {
                var refused = Refuses(data);
                outcomes.Add(refused ? new IOException("refused") : null);
                if (!refused)
                {
                    _published.Enqueue((topic, data));
                }
            }

            return new(outcomes);
        }

        public Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
