using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Policies;
using Ai.Providers;
using Ai.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using TestKit;

namespace Ai.Tests;

/// <summary>The span and the metrics of a call, whatever its end.</summary>
public sealed class AiTelemetryTests : IDisposable
{
    private const string Prompt = "my phone number";
    private readonly string _model = Guid.NewGuid().ToString();
    private readonly ManualTimeProvider _time = new();
    private readonly AiTelemetryOptions _options = new();
    private readonly ServiceProvider _services;
    private readonly List<Activity> _spans = [];
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly ActivityListener _spanListener;
    private readonly MeterListener _meterListener = new();

    public AiTelemetryTests()
    {
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
                new("Ai:Providers:gemini:BaseUrl", "http://127.0.0.1:4711/v1beta"),
            ]).Build())
            .AddModels()
            .BuildServiceProvider();
        _spanListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == AiTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("tandem.ai.model"), $"gemini/{_model}"))
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
        _services.Dispose();
    }

    private void Keep(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var byName = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
        if (Equals(byName.GetValueOrDefault("gen_ai.request.model"), _model))
        {
            _measured.Add((name, value, byName));
        }
    }

    private Activity Span => Assert.Single(_spans);

    private ModelInfo Model => new() { Id = $"gemini/{_model}", Provider = "gemini", Name = _model, Price = new(2, 10) };

    private ChatCall Call(ChatOptions? options = null, bool streamed = false) => new()
    {
        Requested = Model,
        Model = Model,
        Policy = new ModelCallOptions(),
        Scope = new CallScope { User = "u1", Session = "s1", Task = "answer", Prompt = "answer.system@3" },
        Messages = [new(ChatRole.User, [new TextContent(Prompt), new DataContent(new byte[] { 1, 2, 3 }, "image/png")])],
        Options = options,
        Streamed = streamed,
    };

    private ValueTask<ModelAnswer> AskAsync(ModelCall call, Func<ValueTask<ModelAnswer>> answer)
    {
        var options = new AiOptions { Telemetry = _options };
        return new TelemetryPolicy(
                _services.GetRequiredService<ModelCatalogue>(), _services.GetServices<IModelProvider>(), Options.Create(options), _time)
            .InvokeAsync(call, (_, _) => answer(), CancellationToken.None);
    }

    private ValueTask<ModelAnswer> AskAsync(ModelCall call, ChatResponse response) =>
        AskAsync(call, () => ValueTask.FromResult<ModelAnswer>(new WholeAnswer<ChatResponse>(call.Model, response, response.Usage)));

    private async Task<StreamedAnswer> StreamAsync(params ChatResponseUpdate[] updates) => (StreamedAnswer)await AskAsync(
        Call(streamed: true), async () => await StreamedAnswer.OpenAsync(Model, Updates(updates), CancellationToken.None));

    /// <summary>The first piece takes two seconds, each further one a quarter.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> Updates(ChatResponseUpdate[] updates)
    {
        _time.Advance(TimeSpan.FromSeconds(2));
        foreach (var update in updates)
        {
            await Task.Yield();
            yield return update;
            _time.Advance(TimeSpan.FromSeconds(0.25));
        }
    }

    private static ChatResponseUpdate Piece(string text) => new(ChatRole.Assistant, text) { ResponseId = "r1", ModelId = "gemini-3-flash-001" };

    private static ChatResponseUpdate LastPiece => new()
    {
        FinishReason = ChatFinishReason.Stop,
        Contents = [new UsageContent(new UsageDetails { InputTokenCount = 900, OutputTokenCount = 40 })],
    };

    private static async Task ReadAsync(StreamedAnswer stream)
    {
        await using var _ = stream;
        while (await stream.MoveNextAsync())
        {
        }
    }

    [Fact]
    public async Task An_answer_gives_a_span_by_the_conventions()
    {
        await AskAsync(
            Call(new ChatOptions { MaxOutputTokens = 100, Temperature = 0.5f, TopP = 0.9f, Seed = 7, StopSequences = ["END"], ResponseFormat = ChatResponseFormat.Json }),
            new ChatResponse(new ChatMessage(ChatRole.Assistant, "hello"))
            {
                ResponseId = "r1", ModelId = "gemini-3-flash-001", FinishReason = ChatFinishReason.Length,
                Usage = new UsageDetails { InputTokenCount = 900, OutputTokenCount = 40, CachedInputTokenCount = 512, ReasoningTokenCount = 12 },
            });

        Assert.Equal(($"chat {_model}", ActivityKind.Client, ActivityStatusCode.Unset), (Span.DisplayName, Span.Kind, Span.Status));
        Assert.Equal(
            new SortedDictionary<string, object?>(StringComparer.Ordinal)
            {
                ["gen_ai.operation.name"] = "chat",
                ["gen_ai.provider.name"] = "gcp.gemini",
                ["gen_ai.conversation.id"] = "s1",
                ["gen_ai.output.type"] = "json",
                ["gen_ai.request.model"] = _model,
                ["gen_ai.request.max_tokens"] = 100,
                ["gen_ai.request.temperature"] = 0.5f,
                ["gen_ai.request.top_p"] = 0.9f,
                ["gen_ai.request.seed"] = 7L,
                ["gen_ai.request.stop_sequences"] = new[] { "END" },
                ["gen_ai.response.id"] = "r1",
                ["gen_ai.response.model"] = "gemini-3-flash-001",
                ["gen_ai.response.finish_reasons"] = new[] { "length" },
                ["gen_ai.usage.input_tokens"] = 900L,
                ["gen_ai.usage.output_tokens"] = 40L,
                ["gen_ai.usage.cache_read.input_tokens"] = 512L,
                ["gen_ai.usage.reasoning.output_tokens"] = 12L,
                ["server.address"] = "127.0.0.1",
                ["server.port"] = 4711,
                ["tandem.ai.cost"] = (900 * 2 + 40 * 10) / 1e6,
                ["tandem.ai.model"] = $"gemini/{_model}",
                ["tandem.ai.prompt"] = "answer.system@3",
                ["tandem.ai.requested_model"] = $"gemini/{_model}",
                ["tandem.ai.task"] = "answer",
            },
            new SortedDictionary<string, object?>(Span.TagObjects.ToDictionary(), StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_answer_is_measured_with_its_tokens_and_its_cost()
    {
        await AskAsync(Call(), () =>
        {
            _time.Advance(TimeSpan.FromSeconds(3));
            return ValueTask.FromResult<ModelAnswer>(new WholeAnswer<ChatResponse>(
                Model, new ChatResponse { ModelId = "m-001" }, new UsageDetails { InputTokenCount = 900, OutputTokenCount = 40 }));
        });

        Assert.Equal(
            [("gen_ai.client.token.usage", 900), ("gen_ai.client.token.usage", 40), ("tandem.ai.cost", 0.0022), ("gen_ai.client.operation.duration", 3)],
            _measured.Select(measured => (measured.Name, measured.Value)));
        Assert.Equal(["input", "output"], _measured.Take(2).Select(measured => measured.Tags["gen_ai.token.type"]));
        Assert.All(_measured, measured =>
        {
            Assert.Equal(("chat", "gcp.gemini"), (measured.Tags["gen_ai.operation.name"], measured.Tags["gen_ai.provider.name"]));
            Assert.Equal(("m-001", "127.0.0.1", 4711), (measured.Tags["gen_ai.response.model"], measured.Tags["server.address"], measured.Tags["server.port"]));
            Assert.False(measured.Tags.ContainsKey("error.type"));
        });
    }

    [Fact]
    public void Providers_know_their_own_address()
    {
        var options = new ProviderOptions { Location = "asia-northeast3" };

        Assert.Equal(
            ["anthropic https://api.anthropic.com/", "gemini https://generativelanguage.googleapis.com/", "local ", "openai https://api.openai.com/", "vertex https://asia-northeast3-aiplatform.googleapis.com/"],
            _services.GetServices<IModelProvider>().Select(provider => $"{provider.Kind} {provider.AddressOf(options)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_buckets_are_those_of_the_conventions()
    {
        await ReadAsync(await StreamAsync(Piece("a"), LastPiece));

        Assert.Equal(Enumerable.Range(0, 14).Select(power => Math.Round(0.01 * Math.Pow(2, power), 2)), AiTelemetry.Duration.Advice!.HistogramBucketBoundaries!);
        Assert.Equal(AiTelemetry.Duration.Advice, AiTelemetry.TimeToFirstChunk.Advice);
        Assert.Equal(AiTelemetry.Duration.Advice, AiTelemetry.TimePerOutputChunk.Advice);
        Assert.Equal(Enumerable.Range(0, 14).Select(power => 1L << (2 * power)), AiTelemetry.Tokens.Advice!.HistogramBucketBoundaries!);
    }

    [Fact]
    public async Task The_span_is_the_parent_of_what_the_provider_does()
    {
        Activity? current = null;
        await AskAsync(Call(), () =>
        {
            current = Activity.Current;
            return ValueTask.FromResult<ModelAnswer>(new WholeAnswer<ChatResponse>(Model, new ChatResponse(), usage: null));
        });

        Assert.Same(Span, current);
        Assert.NotSame(Span, Activity.Current);
    }

    [Fact]
    public async Task A_stream_is_one_call_with_its_tokens_and_the_times_of_its_pieces()
    {
        await ReadAsync(await StreamAsync(Piece("a"), Piece("b"), LastPiece));

        Assert.Equal(ActivityStatusCode.Unset, Span.Status);
        Assert.Equal((true, 2.0), (Span.GetTagItem("gen_ai.request.stream"), Span.GetTagItem("gen_ai.response.time_to_first_chunk")));
        Assert.Equal(("r1", "gemini-3-flash-001"), (Span.GetTagItem("gen_ai.response.id"), Span.GetTagItem("gen_ai.response.model")));
        Assert.Equal(["stop"], (string[])Span.GetTagItem("gen_ai.response.finish_reasons")!);
        Assert.Equal(
            [
                ("gen_ai.client.operation.time_to_first_chunk", 2),
                ("gen_ai.client.operation.time_per_output_chunk", 0.25),
                ("gen_ai.client.operation.time_per_output_chunk", 0.25),
                ("gen_ai.client.token.usage", 900),
                ("gen_ai.client.token.usage", 40),
                ("tandem.ai.cost", 0.0022),
                ("gen_ai.client.operation.duration", 2.75),
            ],
            _measured.Select(measured => (measured.Name, Math.Round(measured.Value, 6))));
        Assert.All(_measured, measured => Assert.False(measured.Tags.ContainsKey("error.type")));
    }

    [Fact]
    public async Task A_stream_that_its_reader_leaves_was_cancelled()
    {
        await (await StreamAsync(Piece("a"), Piece("b"))).DisposeAsync();

        AssertFailed("cancelled");
    }

    [Fact]
    public async Task A_stream_that_breaks_is_named_by_its_failure()
    {
        static async IAsyncEnumerable<ChatResponseUpdate> Broken()
        {
            yield return Piece("a");
            await Task.Yield();
            throw new ModelException(ModelFailure.Cut, "no end");
        }

        var stream = (StreamedAnswer)await AskAsync(
            Call(streamed: true), async () => await StreamedAnswer.OpenAsync(Model, Broken(), CancellationToken.None));
        await Assert.ThrowsAsync<ModelException>(() => ReadAsync(stream));

        AssertFailed("Cut");
    }

    [Fact]
    public async Task The_end_of_a_stream_leaves_its_readers_own_span_current()
    {
        using var reader = new Activity("reader");
        var stream = await StreamAsync(Piece("a"));
        reader.Start();

        await ReadAsync(stream);

        Assert.Single(_spans);
        Assert.Same(reader, Activity.Current);
    }

    public static TheoryData<Exception, string> Failures() => new()
    {
        { new ModelException(ModelFailure.Refused, "no"), "Refused" },
        { new InvalidDataException("a picture"), "System.IO.InvalidDataException" },
        { new OperationCanceledException(), "cancelled" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_is_named_in_span_and_metric(Exception failure, string error)
    {
        await Assert.ThrowsAsync(failure.GetType(), async () => await AskAsync(Call(), () => ValueTask.FromException<ModelAnswer>(failure)));

        AssertFailed(error);
    }

    private void AssertFailed(string error)
    {
        Assert.Equal((ActivityStatusCode.Error, error), (Span.Status, Span.GetTagItem("error.type")));
        var duration = Assert.Single(_measured, measured => measured.Name == "gen_ai.client.operation.duration");
        Assert.Equal(error, duration.Tags["error.type"]);
        Assert.DoesNotContain(_measured, measured => measured.Name == "gen_ai.client.token.usage");
    }

    [Fact]
    public async Task A_model_that_stands_in_says_for_which_and_why()
    {
        await AskAsync(Call() with { Requested = new() { Id = "openai/big", Provider = "openai", Name = "big" }, FallbackReason = ModelFailure.CircuitOpen }, new ChatResponse());

        Assert.Equal(("openai/big", "CircuitOpen"), (Span.GetTagItem("tandem.ai.requested_model"), Span.GetTagItem("tandem.ai.fallback_reason")));
    }

    [Fact]
    public async Task Embeddings_and_pictures_have_their_operation()
    {
        var embedding = new EmbeddingCall { Requested = Model, Model = Model, Policy = new(), Scope = CallScope.None, Values = [Prompt] };
        await AskAsync(embedding, () => ValueTask.FromResult<ModelAnswer>(new WholeAnswer<GeneratedEmbeddings<Embedding<float>>>(
            Model, new([new Embedding<float>(new float[256])]), new UsageDetails { InputTokenCount = 5 })));
        var image = new ImageCall { Requested = Model, Model = Model, Policy = new(), Scope = CallScope.None, Request = new(Prompt) };
        await AskAsync(image, () => ValueTask.FromResult<ModelAnswer>(new WholeAnswer<ImageGenerationResponse>(Model, new(), usage: null)));

        Assert.Equal([$"embeddings {_model}", $"generate_content {_model}"], _spans.Select(span => span.DisplayName));
        Assert.Equal(256, _spans[0].GetTagItem("gen_ai.embeddings.dimension.count"));
        Assert.Equal("image", _spans[1].GetTagItem("gen_ai.output.type"));
    }

    [Fact]
    public async Task A_kept_answer_says_who_had_spoken()
    {
        var pipeline = new ModelPipeline([new Keeper()], _services.GetRequiredService<ProviderClients>());

        await pipeline.InvokeAsync(Call(), CancellationToken.None);

        Assert.Equal(($"kept {_model}", ActivityKind.Internal, true), (Span.DisplayName, Span.Kind, Span.GetTagItem("tandem.ai.cached")));
        Assert.Empty(_measured);
    }

    private sealed class Keeper : IModelPolicy
    {
        public PolicyPlace Place => PolicyPlace.Cache;

        public ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken) =>
            ValueTask.FromResult<ModelAnswer>(new WholeAnswer<ChatResponse>(call.Model, new ChatResponse(), usage: null) { Cached = true });
    }

    [Fact]
    public async Task Nothing_that_was_said_is_in_a_span()
    {
        await AskAsync(Call(new ChatOptions { Instructions = Prompt }), new ChatResponse(new ChatMessage(ChatRole.Assistant, Prompt)));
        await ReadAsync(await StreamAsync(Piece(Prompt), LastPiece));

        Assert.DoesNotContain(
            _spans.SelectMany(span => span.TagObjects), tag => tag.Value is string text && text.Contains(Prompt, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_said_is_in_a_span_when_asked_for_without_pictures()
    {
        _options.CaptureContent = true;
        await ReadAsync(await StreamAsync(Piece("hel"), Piece("lo"), LastPiece));

        Assert.Equal(
            """[{"role":"user","parts":[{"type":"text","content":"my phone number"},{"type":"blob","mime_type":"image/png"}]}]""",
            Span.GetTagItem("gen_ai.input.messages"));
        Assert.Equal(
            """[{"role":"assistant","parts":[{"type":"text","content":"hello"}],"finish_reason":"stop"}]""", Span.GetTagItem("gen_ai.output.messages"));
    }

    [Fact]
    public async Task What_points_to_a_person_is_masked_even_where_it_is_cut()
    {
        _options.CaptureContent = true;
        _options.MaxContentLength = 20;
        await AskAsync(Call(), new ChatResponse(new ChatMessage(ChatRole.Assistant, "Write to somebody@example.com or to nobody")));

        Assert.Equal("""[{"role":"assistant","parts":[{"type":"text","content":"Write to [e-mail] or…"}]}]""", Span.GetTagItem("gen_ai.output.messages"));
    }

    [Fact]
    public async Task Calls_of_tools_are_in_a_span_when_asked_for_and_long_ones_are_cut()
    {
        _options.CaptureContent = true;
        _options.MaxContentLength = 24;
        var tool = new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["place"] = "Seoul" });
        await AskAsync(
            Call(new ChatOptions { Tools = [AIFunctionFactory.Create((string place) => place, "weather", "Tells the weather")] }),
            new ChatResponse(new ChatMessage(ChatRole.Assistant, [tool, new TextContent("0123456789")])));

        Assert.Equal(
            """[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"weather","arguments":"{\"place\":\"Seoul\"}"},{"type":"text","content":"0123456…"}]}]""",
            Span.GetTagItem("gen_ai.output.messages"));
        Assert.Equal("""[{"type":"function","name":"weather","description":"Tells the weather"}]""", Span.GetTagItem("gen_ai.tool.definitions"));
    }
}
