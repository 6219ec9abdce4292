using System.Text.Json;
using Ai.Calls;
using FakeModelServer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ai.Tests;

/// <summary>The OpenAI-compatible provider and its policy over a real socket, against a server that misbehaves on demand.</summary>
public sealed class OpenAiProviderTests : IAsyncLifetime
{
    private static readonly JsonElement Schema = JsonDocument.Parse("""{"type":"object"}""").RootElement;
    private static readonly byte[] Picture = [0xFF, 0xD8, 0xFF, 0xD9];

    private readonly WebApplication _server = FakeModelHost.Build(["--urls", "http://127.0.0.1:0"]);
    private readonly HastyTime _time = new();
    private FakeModel Model => _server.Services.GetRequiredService<FakeModel>();

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private ServiceProvider Services(params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
            new("Ai:Providers:openai:BaseUrl", _server.Urls.First() + "/v1"),
            new("Ai:Calls:RetryDelay", "00:00:00.010"),
        ]).AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))).Build())
        .AddSingleton<TimeProvider>(_time)
        .AddModels()
        .BuildServiceProvider();

    private static ChatMessage[] Question(bool picture = true) =>
    [
        new(ChatRole.System, "You classify."),
        new(ChatRole.User, picture ? [new TextContent("what is it?"), new DataContent(Picture, "image/jpeg")] : [new TextContent("how?")]),
    ];

    private static async Task<ModelException> FailsAsync(IChatClient client) =>
        await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync(Question(), ChatTasks.Json(CallScope.None, "s", Schema)));

    [Fact]
    public async Task Sends_a_picture_and_reads_the_answer_with_its_usage()
    {
        await using var services = Services();
        var client = services.GetRequiredService<IModels>().Chat();

        var response = await client.GetResponseAsync(Question(), ChatTasks.Json(CallScope.None, "s", Schema));

        Assert.Equal("무색페트병", JsonDocument.Parse(response.Text).RootElement.GetProperty("classification").GetProperty("middle_category").GetString());
        Assert.Equal("openai/gpt-5.2", response.ModelId);
        Assert.Equal(900, response.Usage!.InputTokenCount);
        Assert.Equal("openai", client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.Equal(1, Model.Stats.Vision);
    }

    [Fact]
    public async Task Streams_the_same_text()
    {
        await using var services = Services();

        Assert.Contains("user_answer", await StreamAsync(services.GetRequiredService<IModels>().Chat()));
        Assert.Equal(1, Model.Stats.Answer);
    }

    private static async Task<string> StreamAsync(IChatClient client)
    {
        var text = "";
        await foreach (var update in client.GetStreamingResponseAsync(Question(picture: false)))
        {
            text += update.Text;
        }

        return text;
    }

    [Fact]
    public async Task Retries_a_stream_that_has_not_begun()
    {
        Model.Behave(new FakeModelOptions { FailNext = 2, FailStatus = 503 });
        await using var services = Services();

        Assert.Contains("user_answer", await StreamAsync(services.GetRequiredService<IModels>().Chat()));
        Assert.Equal((2, 1), (Model.Stats.Failed, Model.Stats.Answer));
    }

    [Fact]
    public async Task Ends_a_stream_that_does_not_begin()
    {
        Model.Behave(new FakeModelOptions { AnswerLatency = TimeSpan.FromMinutes(5) });
        await using var services = Services(("Ai:Calls:Retries", "0"), ("Ai:Calls:FirstByteTimeout", "00:00:59"));
        _time.Skipped = TimeSpan.FromSeconds(59);

        var failure = await Assert.ThrowsAsync<ModelException>(() => StreamAsync(services.GetRequiredService<IModels>().Chat()));

        Assert.Equal("MODEL_UNAVAILABLE", failure.Code);
    }

    [Fact]
    public async Task Ends_a_stream_that_falls_silent_and_does_not_repeat_what_was_said()
    {
        Model.Behave(new FakeModelOptions { StreamInterval = TimeSpan.FromMinutes(5) });
        await using var services = Services(("Ai:Calls:IdleTimeout", "00:00:01"));
        var pieces = 0;

        var failure = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var _ in services.GetRequiredService<IModels>().Chat().GetStreamingResponseAsync(Question(picture: false)))
            {
                pieces++;
            }
        });

        Assert.Equal(("MODEL_UNAVAILABLE", 1), (failure.Code, pieces));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task Retries_what_may_pass(int status)
    {
        Model.Behave(new FakeModelOptions { FailNext = 2, FailStatus = status });
        await using var services = Services();

        await services.GetRequiredService<IModels>().Chat().GetResponseAsync(Question(), ChatTasks.Json(CallScope.None, "s", Schema));

        Assert.Equal(2, Model.Stats.Failed);
        Assert.Equal(1, Model.Stats.Vision);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    public async Task Does_not_repeat_what_was_rejected(int status)
    {
        Model.Behave(new FakeModelOptions { FailNext = 1, FailStatus = status });
        await using var services = Services();

        var failure = await FailsAsync(services.GetRequiredService<IModels>().Chat());

        Assert.Equal(ModelFailures.OfStatus(status), failure.Failure);
        Assert.Equal(1, Model.Stats.Failed);
    }

    [Fact]
    public async Task Gives_up_after_its_retries()
    {
        Model.Behave(new FakeModelOptions { FailNext = 100 });
        await using var services = Services(("Ai:Calls:Retries", "2"));

        var failure = await FailsAsync(services.GetRequiredService<IModels>().Chat());

        Assert.Equal("MODEL_UNAVAILABLE", failure.Code);
        Assert.True(failure.IsTransient);
        Assert.Equal(3, Model.Stats.Failed);
    }

    [Fact]
    public async Task Reports_a_refusal_as_final()
    {
        Model.Behave(new FakeModelOptions { Fault = "refusal" });
        await using var services = Services();

        Assert.Equal("MODEL_REFUSED", (await FailsAsync(services.GetRequiredService<IModels>().Chat())).Code);
    }

    [Fact]
    public async Task Treats_a_cut_connection_as_transient()
    {
        Model.Behave(new FakeModelOptions { Fault = "cut" });
        await using var services = Services(("Ai:Calls:Retries", "0"));

        Assert.True((await FailsAsync(services.GetRequiredService<IModels>().Chat())).IsTransient);
    }

    [Fact]
    public async Task Ends_an_attempt_that_takes_too_long()
    {
        Model.Behave(new FakeModelOptions { VisionLatency = TimeSpan.FromMinutes(5) });
        await using var services = Services(("Ai:Calls:Retries", "0"), ("Ai:Calls:FirstByteTimeout", "00:00:59"));
        _time.Skipped = TimeSpan.FromSeconds(59);

        Assert.Equal("MODEL_UNAVAILABLE", (await FailsAsync(services.GetRequiredService<IModels>().Chat())).Code);
    }

    [Fact]
    public async Task Bounds_the_calls_that_run_at_a_time()
    {
        Model.Behave(new FakeModelOptions { VisionLatency = TimeSpan.FromMilliseconds(50) });
        await using var services = Services(("Ai:Calls:MaxConcurrentCalls", "3"));
        var client = services.GetRequiredService<IModels>().Chat();

        await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => client.GetResponseAsync(Question(), ChatTasks.Json(CallScope.None, "s", Schema))));

        Assert.Equal(12, Model.Stats.Vision);
        Assert.InRange(Model.Stats.MaxConcurrent, 1, 3);
    }

    [Fact]
    public async Task Stops_when_the_caller_cancels()
    {
        Model.Behave(new FakeModelOptions { VisionLatency = TimeSpan.FromMinutes(5) });
        await using var services = Services();
        using var cancel = new CancellationTokenSource(100);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            services.GetRequiredService<IModels>().Chat().GetResponseAsync(Question(), cancellationToken: cancel.Token));
    }

    [Theory]
    [InlineData("Ai:Calls:MaxConcurrentCalls", "0")]
    [InlineData("Ai:Calls:FirstByteTimeout", "00:00:00")]
    public void Refuses_settings_that_cannot_work(string key, string value)
    {
        using var services = Services((key, value));

        Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<AiOptions>>().Value);
    }

    /// <summary>The clock of the machine, except that one length of time passes at once.</summary>
    private sealed class HastyTime : TimeProvider
    {
        private int _skips;

        public TimeSpan? Skipped { get; set; }

        public int Skips => Volatile.Read(ref _skips);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Skipped)
            {
                Interlocked.Increment(ref _skips);
                dueTime = TimeSpan.Zero;
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
