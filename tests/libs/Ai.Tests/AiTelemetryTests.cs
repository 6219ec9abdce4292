using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ai.Policies;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ai.Tests;

/// <summary>The span and the metrics of a call, whatever its end.</summary>
public sealed class AiTelemetryTests : IDisposable
{
    private readonly string _model = Guid.NewGuid().ToString();
    private readonly List<Activity> _spans = [];
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly ActivityListener _spanListener;
    private readonly MeterListener _meterListener = new();

    public AiTelemetryTests()
    {
        _spanListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == AiTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("gen_ai.request.model"), _model))
                {
                    _spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_spanListener);
        _meterListener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == AiTelemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meterListener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        _meterListener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        _meterListener.Start();
    }

    public void Dispose()
    {
        _spanListener.Dispose();
        _meterListener.Dispose();
    }

    private void Keep(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var byName = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
        if (Equals(byName["gen_ai.request.model"], _model))
        {
            _measured.Add((name, value, byName));
        }
    }

    private PolicyChatClient Client(Func<ChatResponse> answer) =>
        new(new Answering(_model, answer), new ModelCallOptions { Retries = 0 }, TimeProvider.System, NullLogger.Instance);

    [Fact]
    public async Task An_answer_gives_a_span_its_duration_and_its_tokens()
    {
        await Client(() => new ChatResponse { Usage = new UsageDetails { InputTokenCount = 900, OutputTokenCount = 40 } }).GetResponseAsync("?");

        var span = Assert.Single(_spans);
        Assert.Equal(($"chat {_model}", ActivityKind.Client, ActivityStatusCode.Unset), (span.DisplayName, span.Kind, span.Status));
        Assert.Equal(("chat", "tester"), (span.GetTagItem("gen_ai.operation.name"), span.GetTagItem("gen_ai.provider.name")));
        var duration = Assert.Single(_measured, measured => measured.Name == "gen_ai.client.operation.duration");
        Assert.False(duration.Tags.ContainsKey("error.type"));
        Assert.Equal(
            [("input", 900), ("output", 40)],
            _measured.Where(measured => measured.Name == "gen_ai.client.token.usage").Select(measured => ((string)measured.Tags["gen_ai.token.type"]!, measured.Value)));
    }

    [Fact]
    public async Task The_span_is_the_parent_of_what_the_provider_does()
    {
        Activity? current = null;
        await Client(() =>
        {
            current = Activity.Current;
            return new ChatResponse();
        }).GetResponseAsync("?");

        Assert.Same(Assert.Single(_spans), current);
    }

    [Fact]
    public async Task A_stream_is_one_call_with_its_tokens()
    {
        await foreach (var _ in Client(() => Spoken("a", "b")).GetStreamingResponseAsync("?"))
        {
        }

        Assert.Equal(ActivityStatusCode.Unset, Assert.Single(_spans).Status);
        Assert.Equal(
            [("gen_ai.client.operation.duration", false), ("gen_ai.client.token.usage", false), ("gen_ai.client.token.usage", false)],
            _measured.Select(measured => (measured.Name, measured.Tags.ContainsKey("error.type"))));
    }

    [Fact]
    public async Task A_stream_that_its_reader_leaves_was_cancelled()
    {
        await foreach (var _ in Client(() => Spoken("a", "b")).GetStreamingResponseAsync("?"))
        {
            break;
        }

        AssertFailed("cancelled");
    }

    private static ChatResponse Spoken(params string[] messages) => new([.. messages.Select(text => new ChatMessage(ChatRole.Assistant, text))])
    {
        Usage = new UsageDetails { InputTokenCount = 1, OutputTokenCount = 2 },
    };

    public static TheoryData<Exception, string> Failures() => new()
    {
        { new ModelException("MODEL_REFUSED", "no", isTransient: false), "MODEL_REFUSED" },
        { new InvalidDataException("a picture"), "System.IO.InvalidDataException" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_is_named_in_span_and_metric(Exception failure, string error)
    {
        await Assert.ThrowsAsync(failure.GetType(), () => Client(() => throw failure).GetResponseAsync("?"));

        AssertFailed(error);
    }

    [Fact]
    public async Task A_call_that_its_caller_cancels_is_recorded_too()
    {
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client(() =>
        {
            cancel.Cancel();
            cancel.Token.ThrowIfCancellationRequested();
            return new ChatResponse();
        }).GetResponseAsync("?", cancellationToken: cancel.Token));

        AssertFailed("cancelled");
    }

    private void AssertFailed(string error)
    {
        var span = Assert.Single(_spans);
        Assert.Equal((ActivityStatusCode.Error, error), (span.Status, span.GetTagItem("error.type")));
        var duration = Assert.Single(_measured);
        Assert.Equal(("gen_ai.client.operation.duration", error), (duration.Name, duration.Tags["error.type"]));
    }

    private sealed class Answering(string model, Func<ChatResponse> answer) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            try
            {
                return Task.FromResult(answer());
            }
            catch (Exception exception)
            {
                return Task.FromException<ChatResponse>(exception);
            }
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            answer().ToChatResponseUpdates().ToAsyncEnumerable();

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("tester", null, model) : null;

        public void Dispose()
        {
        }
    }
}
