using Ai.Caching;
using Ai.Calls;
using Ai.Policies;
using Microsoft.Extensions.AI;
using TestKit;

namespace Ai.Tests.Limits;

public sealed class CacheTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly FakeSharedState _store = new();
    private int _asked;

    private static ChatOptions Cold => new() { Temperature = 0 };

    private CachePolicy Policy(Action<CacheOptions>? configure = null) =>
        new(Scripted.Options(options => configure?.Invoke(options.Cache)), _store.Shared(_time), _time);

    private ValueTask<ModelAnswer> AskAsync(CachePolicy policy, ModelCall call, ModelAnswer? answer = null) => policy.InvokeAsync(
        call,
        (_, _) =>
        {
            var number = Interlocked.Increment(ref _asked);
            return ValueTask.FromResult(answer ?? Scripted.Text($"answer {number}"));
        },
        Scripted.Cancel);

    [Fact]
    public async Task Answers_an_equal_call_from_memory_for_an_hour()
    {
        var policy = Policy();

        var first = await AskAsync(policy, Scripted.Chat(options: Cold));
        var second = await AskAsync(policy, Scripted.Chat(options: Cold));

        Assert.Equal((false, true, 1), (first.Cached, second.Cached, _asked));
        Assert.Equal("answer 1", Scripted.TextOf(second));
        Assert.Equal(10, ((WholeAnswer<ChatResponse>)second).Usage!.InputTokenCount);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("answer 2", Scripted.TextOf(await AskAsync(Policy(options => options.StoreMaxValueBytes = 0), Scripted.Chat(options: Cold))));
    }

    [Fact]
    public async Task Ends_what_is_kept_at_its_time_in_memory_and_in_the_store()
    {
        var policy = Policy();
        await AskAsync(policy, Scripted.Chat(options: Cold));
        Assert.Equal(TimeSpan.FromHours(1), Assert.Single(_store.Documents).Ttl);
        _time.Advance(TimeSpan.FromMinutes(59));
        // Read from the store in its last minute, it does not live for another hour.
        var other = Policy();
        Assert.Equal("answer 1", Scripted.TextOf(await AskAsync(other, Scripted.Chat(options: Cold))));
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("answer 2", Scripted.TextOf(await AskAsync(other, Scripted.Chat(options: Cold))));
        Assert.Equal("answer 2", Scripted.TextOf(await AskAsync(policy, Scripted.Chat(options: Cold))));
    }

    [Fact]
    public async Task Shares_answers_between_processes_through_the_store()
    {
        await AskAsync(Policy(), Scripted.Chat(options: Cold));

        var answer = await AskAsync(Policy(), Scripted.Chat(options: Cold));

        Assert.Equal((true, 1), (answer.Cached, _asked));
        Assert.Equal((2, 1), (_store.Reads, _store.Writes));
    }

    [Fact]
    public async Task Keeps_embeddings_and_pictures_bit_for_bit()
    {
        var policy = Policy(options => options.MemoryBytes = 0);
        float[] vector = [0.1f, -3.4028235e38f, float.Epsilon];
        var vectors = new WholeAnswer<GeneratedEmbeddings<Embedding<float>>>(Scripted.Model, [new Embedding<float>(vector)], new() { InputTokenCount = 3 });
        byte[] picture = [0x89, 0x50, 0x4E, 0x47, 0];
        var pictures = new WholeAnswer<ImageGenerationResponse>(Scripted.Model, new([new DataContent(picture, "image/png")]), usage: null);
        var draw = new ImageCall { Requested = Scripted.Model, Model = Scripted.Model, Policy = new(), Scope = CallScope.None, Request = new("a cat") };
        await AskAsync(policy, Scripted.Embed("a"), vectors);
        await AskAsync(policy, draw, pictures);

        var kept = (WholeAnswer<GeneratedEmbeddings<Embedding<float>>>)await AskAsync(policy, Scripted.Embed("a"), Scripted.Text("not asked"));
        var drawn = (WholeAnswer<ImageGenerationResponse>)await AskAsync(policy, draw, Scripted.Text("not asked"));

        Assert.Equal(vector, kept.Value.Single().Vector.ToArray());
        Assert.Equal(3, kept.Usage!.InputTokenCount);
        var content = Assert.IsType<DataContent>(drawn.Value.Contents.Single());
        Assert.Equal((true, "image/png"), (content.Data.Span.SequenceEqual(picture), content.MediaType));
        Assert.Equal([TimeSpan.FromDays(1), TimeSpan.FromDays(7)], _store.Documents.Select(document => document.Ttl).Order());
    }

    [Fact]
    public async Task Keeps_only_what_comes_out_the_same()
    {
        var policy = Policy();
        var tool = AIFunctionFactory.Create(() => 1, "one");
        ModelCall[] calls =
        [
            Scripted.Chat(),
            Scripted.Chat(options: new ChatOptions { Temperature = 0.31f }),
            Scripted.Chat(options: new ChatOptions { Temperature = 0, Tools = [tool] }),
            Scripted.Chat(options: Cold, scope: new CallScope { Cache = false }),
            Scripted.Chat(options: new ChatOptions { Temperature = 0, AdditionalProperties = new() { ["facts"] = new object() } }),
            Scripted.Chat(options: new ChatOptions { Temperature = 0, ConversationId = "1" }),
        ];

        foreach (var call in calls)
        {
            var before = _asked;
            await AskAsync(policy, call);
            Assert.False((await AskAsync(policy, call)).Cached);
            Assert.Equal(before + 2, _asked);
        }

        Assert.Equal(0, _store.Reads);
        await AskAsync(policy, Scripted.Chat(scope: new CallScope { Cache = true }));
        Assert.True((await AskAsync(policy, Scripted.Chat(scope: new CallScope { Cache = true, User = "another" }))).Cached);
    }

    [Fact]
    public async Task Passes_streams_on()
    {
        var policy = Policy();
        for (var turn = 0; turn < 2; turn++)
        {
            var answer = await policy.InvokeAsync(
                Scripted.Chat(options: Cold, streamed: true, scope: new CallScope { Cache = true }), async (_, _) => await Scripted.StreamAsync("a", "b"), Scripted.Cancel);
            Assert.False(answer.Cached);
            Assert.Equal(["a", "b", ""], await Scripted.ReadAsync(answer));
        }
    }

    [Fact]
    public async Task Does_not_keep_what_is_unfinished_or_from_another_model()
    {
        var policy = Policy();
        var cut = Scripted.Text("half");
        cut.Value.FinishReason = ChatFinishReason.Length;
        var fallback = Scripted.Text("small talk");
        fallback.FallbackReason = ModelFailure.CircuitOpen;
        var address = new WholeAnswer<ImageGenerationResponse>(Scripted.Model, new([new UriContent("https://pictures.test/1", "image/png")]), usage: null);

        foreach (var answer in new ModelAnswer[] { cut, fallback, address })
        {
            await AskAsync(policy, Scripted.Chat(options: Cold), answer);
        }

        Assert.Equal((3, 0), (_asked, _store.Writes));
    }

    [Fact]
    public void Makes_a_key_of_everything_that_the_answer_depends_on()
    {
        var json = System.Text.Json.JsonDocument.Parse("""{"type":"object"}""").RootElement;
        var picture = new byte[] { 1, 2, 3 };
        ChatCall With(Action<ChatOptions> change)
        {
            var options = Cold;
            change(options);
            return Scripted.Chat(options: options);
        }

        ChatCall Saying(params IReadOnlyList<ChatMessage> messages) => Scripted.Chat(options: Cold) with { Messages = messages };
        ModelCall[] calls =
        [
            Scripted.Chat(options: Cold), Scripted.Chat("hello ", options: Cold), Scripted.Chat(options: Cold, scope: new CallScope { Task = "t" }),
            Scripted.Chat(options: Cold, model: Scripted.Model with { Id = "other" }),
            With(options => options.Temperature = 0.1f), With(options => options.Seed = 0), With(options => options.TopP = 0), With(options => options.TopK = 0),
            With(options => options.MaxOutputTokens = 0), With(options => options.FrequencyPenalty = 0), With(options => options.PresencePenalty = 0),
            With(options => options.StopSequences = ["a", "b"]), With(options => options.StopSequences = ["ab"]), With(options => options.Instructions = "be brief"),
            With(options => options.Reasoning = new() { Effort = ReasoningEffort.Low }), With(options => options.ResponseFormat = ChatResponseFormat.Json),
            With(options => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(json, "s")),
            With(options => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(json, "t")),
            With(options => options.AdditionalProperties = new() { ["a"] = 1 }), With(options => options.AdditionalProperties = new() { ["a"] = "1" }),
            Saying(new ChatMessage(ChatRole.System, "hello")), Saying(new ChatMessage(ChatRole.User, "he"), new ChatMessage(ChatRole.User, "llo")), Saying(new ChatMessage(ChatRole.User, [new TextContent("he"), new TextContent("llo")])),
            Saying(new ChatMessage(ChatRole.User, [new DataContent(picture, "image/png")])), Saying(new ChatMessage(ChatRole.User, [new DataContent(picture, "image/jpeg")])),
            Saying(new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1, 2, 4 }, "image/png")])),
            Saying(new ChatMessage(ChatRole.User, [new UriContent("https://pictures.test/1", "image/png")])),
            Scripted.Embed("hello"), Scripted.Embed("he", "llo"), Scripted.Embed("hello") with { Options = new() { Dimensions = 8 } },
        ];

        var keys = calls.Select(CacheKey.Of).ToArray();

        Assert.All(keys, Assert.NotNull);
        Assert.Equal(calls.Length, keys.Distinct().Count());
        Assert.Equal(keys, calls.Select(CacheKey.Of));
        Assert.Equal(CacheKey.Of(Scripted.Chat(options: Cold)), CacheKey.Of(Scripted.Chat(options: Cold, scope: new CallScope { User = "u", Session = "s" })));
    }

    [Fact]
    public void Reads_a_picture_for_its_key_without_copying_it()
    {
        var call = Scripted.Chat(options: Cold) with { Messages = [new(ChatRole.User, [new DataContent(new byte[8 << 20], "image/png")])] };

        Assert.InRange(Allocated.Least(() => CacheKey.Of(call)), 0, 2048);
    }

    [Fact]
    public async Task Asks_once_for_equal_calls_that_run_together_and_survives_the_first_caller()
    {
        var policy = Policy();
        var release = new TaskCompletionSource();
        using var cancel = new CancellationTokenSource();
        async ValueTask<ModelAnswer> Slow(ModelCall call, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            await release.Task.WaitAsync(cancellationToken);
            return Scripted.Text("together");
        }

        var first = policy.InvokeAsync(Scripted.Chat(options: Cold), Slow, cancel.Token).AsTask();
        var others = Enumerable.Range(0, 5).Select(_ => policy.InvokeAsync(Scripted.Chat(options: Cold), Slow, Scripted.Cancel).AsTask()).ToArray();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        release.SetResult();

        var answers = await Task.WhenAll(others);
        Assert.Equal(1, _asked);
        Assert.All(answers, answer => Assert.Equal(("together", true), (Scripted.TextOf(answer), answer.Cached)));
        // Each has his own copy.
        ((WholeAnswer<ChatResponse>)answers[0]).Value.Messages[0].Contents.Clear();
        Assert.Equal("together", Scripted.TextOf(answers[1]));
    }

    [Fact]
    public async Task Cancels_the_call_when_the_last_caller_has_left_and_starts_anew_for_the_next()
    {
        var policy = Policy();
        var cancelled = new TaskCompletionSource();
        using var cancel = new CancellationTokenSource();
        var first = policy.InvokeAsync(
            Scripted.Chat(options: Cold),
            async (_, token) =>
            {
                // Stays: what was registered last is called first, so the wait ends before this has been called.
                token.Register(() => cancelled.SetResult());
                await Task.Delay(Timeout.Infinite, token);
                return Scripted.Text("never");
            },
            cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), Scripted.Cancel);
        Assert.Equal("answer 1", Scripted.TextOf(await AskAsync(policy, Scripted.Chat(options: Cold))));
    }

    [Fact]
    public async Task Leaves_no_call_behind_and_nobody_waiting_when_many_come_and_go()
    {
        var policy = new CachePolicy(Scripted.Options(options => options.Cache.MemoryBytes = 0), new FakeSharedState { IsAway = true }.Shared(_time), _time);
        var (running, answered, left) = (0, 0, 0);
        async Task OneAsync(int number)
        {
            using var cancel = new CancellationTokenSource();
            if (number % 2 == 0)
            {
                cancel.CancelAfter(number % 5);
            }

            try
            {
                await policy.InvokeAsync(
                    Scripted.Chat($"{number % 10}", options: Cold),
                    async (_, token) =>
                    {
                        Interlocked.Increment(ref running);
                        try
                        {
                            await Task.Delay(number % 4, token);
                            return Scripted.Text("ok");
                        }
                        finally
                        {
                            Interlocked.Decrement(ref running);
                        }
                    },
                    cancel.Token);
                Interlocked.Increment(ref answered);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                Interlocked.Increment(ref left);
            }
        }

        for (var round = 0; round < 10; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(number => Task.Run(() => OneAsync(number)))).WaitAsync(TimeSpan.FromSeconds(60), Scripted.Cancel);
        }

        Assert.Equal(2000, answered + left);
        Assert.InRange(answered, 1000, 2000);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Volatile.Read(ref running) > 0)
        {
            await Task.Delay(1, limit.Token);
        }
    }

    [Fact]
    public async Task Fails_together_except_for_what_is_about_the_first_caller_alone()
    {
        async Task<(int Failed, int Asked)> FailAsync(ModelFailure failure)
        {
            var policy = Policy();
            var release = new TaskCompletionSource();
            var asked = 0;
            var calls = Enumerable.Range(0, 3).Select(_ => policy.InvokeAsync(
                Scripted.Chat(options: Cold),
                async (_, _) =>
                {
                    var number = Interlocked.Increment(ref asked);
                    await release.Task;
                    return number == 1 ? throw new ModelException(failure, "no") : Scripted.Text("yes");
                },
                Scripted.Cancel).AsTask()).ToArray();
            release.SetResult();
            await Task.WhenAny(Task.WhenAll(calls), Task.Delay(TimeSpan.FromSeconds(30), Scripted.Cancel));
            return (calls.Count(call => call.IsFaulted), asked);
        }

        Assert.Equal((3, 1), await FailAsync(ModelFailure.ServerError));
        Assert.Equal((1, 2), await FailAsync(ModelFailure.BudgetSpent));
    }

    [Fact]
    public async Task Takes_a_store_that_is_away_for_a_miss_and_leaves_it_alone_for_a_while()
    {
        _store.IsAway = true;
        var policy = Policy();

        await AskAsync(policy, Scripted.Chat("1", options: Cold));
        await AskAsync(policy, Scripted.Chat("2", options: Cold));

        Assert.Equal((2, 1), (_asked, _store.Reads));
        Assert.True((await AskAsync(policy, Scripted.Chat("1", options: Cold))).Cached);
        _store.IsAway = false;
        _time.Advance(TimeSpan.FromSeconds(5));
        await AskAsync(policy, Scripted.Chat("3", options: Cold));
        Assert.Equal((2, 1), (_store.Reads, _store.Writes));
    }

    [Fact]
    public async Task Sends_nothing_to_the_store_that_is_too_large_for_it()
    {
        var policy = Policy(options => options.StoreMaxValueBytes = 1000);

        await AskAsync(policy, Scripted.Chat(options: Cold), Scripted.Text(new string('x', 1000)));

        Assert.Equal(0, _store.Writes);
        Assert.True((await AskAsync(policy, Scripted.Chat(options: Cold))).Cached);
    }

    [Fact]
    public void Bounds_its_memory_by_bytes_and_forgets_what_was_used_least_recently()
    {
        var memory = new AnswerMemory(10_000, _time);
        var until = _time.GetUtcNow() + TimeSpan.FromHours(1);
        foreach (var key in new[] { "a", "b", "c" })
        {
            memory.Keep(key, new byte[2_900], until);
        }

        Assert.NotNull(memory.Find("a"));
        memory.Keep("d", new byte[2_900], until);
        Assert.Equal((true, false, true, true), (memory.Find("a") is not null, memory.Find("b") is not null, memory.Find("c") is not null, memory.Find("d") is not null));
        memory.Keep("a", new byte[100], until);
        memory.Keep("too large", new byte[10_000], until);
        Assert.Null(memory.Find("too large"));
        Assert.Equal(2 * 3_300 + 500, memory.Bytes);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Null(memory.Find("a"));
        Assert.Equal(2 * 3_300, memory.Bytes);
    }

    [Fact]
    public async Task Counts_hits_and_misses()
    {
        using var readings = new Readings();
        var policy = Policy();
        // Nothing else in these tests embeds through a policy at the same time: the tests of a class run one after the other.
        await AskAsync(policy, Scripted.Embed("x"), Vectors());
        await AskAsync(policy, Scripted.Embed("x"), Vectors());
        await AskAsync(Policy(), Scripted.Embed("x"), Vectors());

        double Of(string outcome) => readings.Sum("tandem.ai.cache.requests", ("outcome", outcome), ("gen_ai.operation.name", "embeddings"));
        Assert.Equal((1d, 1d, 1d), (Of("miss"), Of("memory"), Of("store")));
    }

    private static WholeAnswer<GeneratedEmbeddings<Embedding<float>>> Vectors() => new(Scripted.Model, [new Embedding<float>(new float[] { 1 })], usage: null);
}
