using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ModelServers;
using ModelServers.OpenAi;

namespace Ai.Tests;

/// <summary>What product code gets: the policies as they are registered, with a provider at their end, over a real socket.</summary>
public sealed class PipelineTests : IAsyncLifetime
{
    private readonly HastyTime _time = new();

    private ModelServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>An answer that never comes.</summary>
    private static Task Never => Task.Delay(Timeout.Infinite, Cancellation);

    public async ValueTask InitializeAsync() => _server = await ModelServer.StartAsync(new OpenAiProtocol { NeedsKey = false });

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private ServiceProvider Services(params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
            new("Ai:Providers:openai:BaseUrl", $"{_server.Address}v1"),
            new("Ai:FallbackByDefault", "false"),
            new("Ai:Calls:RetryDelay", "00:00:00.010"),
        ]).AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))).Build())
        .AddSingleton<TimeProvider>(_time)
        .AddModels()
        .BuildServiceProvider();

    private static IChatClient Chat(ServiceProvider services) => services.GetRequiredService<IModels>().Chat();

    private static Task<ChatResponse> AskAsync(ServiceProvider services) => Chat(services).GetResponseAsync("?", cancellationToken: Cancellation);

    private static async Task<string> StreamAsync(ServiceProvider services, Action<string>? onPiece = null)
    {
        var text = "";
        await foreach (var update in Chat(services).GetStreamingResponseAsync("?", cancellationToken: Cancellation))
        {
            text += update.Text;
            onPiece?.Invoke(update.Text);
        }

        return text;
    }

    [Fact]
    public async Task Says_who_spoke()
    {
        await using var services = Services();
        _server.Next(ModelReply.Text("a bottle", inputTokens: 900, outputTokens: 31));

        var response = await AskAsync(services);

        Assert.Equal(("a bottle", "openai/gpt-5.2"), (response.Text, response.ModelId));
        var served = Served.Of(response)!;
        Assert.Equal(("openai", "openai/gpt-5.2", null, 900, 31), (served.Provider, served.Requested, served.FallbackReason, served.InputTokens, served.OutputTokens));
    }

    [Fact]
    public async Task Retries_a_stream_that_has_not_begun()
    {
        _server.Next(ModelReply.Status(503), ModelReply.Cut(0), ModelReply.Text("one two"));
        await using var services = Services();

        Assert.Equal("one two", await StreamAsync(services));
        Assert.Equal(3, _server.Requests.Count);
    }

    [Fact]
    public async Task Does_not_repeat_a_stream_that_has_begun()
    {
        _server.Next(ModelReply.Cut(2));
        await using var services = Services();
        var said = "";

        var failure = await Assert.ThrowsAsync<ModelException>(() => StreamAsync(services, piece => said += piece));

        Assert.Equal((ModelFailure.Cut, "one two "), (failure.Failure, said));
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Ends_a_stream_that_does_not_begin()
    {
        _server.Next(ModelReply.SlowFirstByte(Never));
        await using var services = Services(("Ai:Calls:Retries", "0"), ("Ai:Calls:FirstByteTimeout", "00:00:59"));
        _time.Skipped = TimeSpan.FromSeconds(59);

        Assert.Equal("MODEL_UNAVAILABLE", (await Assert.ThrowsAsync<ModelException>(() => StreamAsync(services))).Code);
    }

    [Fact]
    public async Task Ends_a_stream_that_falls_silent_and_does_not_repeat_what_was_said()
    {
        _server.Next(ModelReply.Idle(1, Never));
        await using var services = Services(("Ai:Calls:IdleTimeout", "00:00:01"));
        var said = "";

        var failure = await Assert.ThrowsAsync<ModelException>(() => StreamAsync(services, piece => said += piece));

        Assert.Equal((ModelFailure.Idle, "one "), (failure.Failure, said));
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Ends_an_attempt_that_takes_too_long()
    {
        _server.Next(ModelReply.SlowFirstByte(Never));
        await using var services = Services(("Ai:Calls:Retries", "0"), ("Ai:Calls:FirstByteTimeout", "00:00:59"));
        _time.Skipped = TimeSpan.FromSeconds(59);

        Assert.Equal("MODEL_UNAVAILABLE", (await Assert.ThrowsAsync<ModelException>(() => AskAsync(services))).Code);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task Retries_what_may_pass(int status)
    {
        _server.Next(ModelReply.Status(status), ModelReply.Status(status));
        await using var services = Services();

        Assert.Equal("ok", (await AskAsync(services)).Text);
        Assert.Equal(3, _server.Requests.Count);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    public async Task Does_not_repeat_what_was_rejected(int status)
    {
        _server.Next(ModelReply.Status(status));
        await using var services = Services();

        Assert.Equal(ModelFailures.OfStatus(status), (await Assert.ThrowsAsync<ModelException>(() => AskAsync(services))).Failure);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Gives_up_after_its_retries()
    {
        _server.Brain = _ => ModelReply.Status(500);
        await using var services = Services(("Ai:Calls:Retries", "2"));

        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(services));

        Assert.Equal(("MODEL_UNAVAILABLE", true), (failure.Code, failure.IsTransient));
        Assert.Equal(3, _server.Requests.Count);
    }

    [Fact]
    public async Task Bounds_the_calls_that_run_at_a_time()
    {
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Brain = _ => ModelReply.SlowFirstByte(open.Task);
        await using var services = Services(("Ai:Calls:MaxConcurrentCalls", "3"), ("Ai:Admission:MaxWait", "00:05:00"));

        var calls = Enumerable.Range(0, 12).Select(_ => AskAsync(services)).ToArray();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (_server.Running < 3)
        {
            await Task.Delay(5, limit.Token);
        }

        open.SetResult();
        await Task.WhenAll(calls);

        Assert.Equal((12, 3), (_server.Requests.Count, _server.MaxConcurrent));
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
        public TimeSpan? Skipped { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == Skipped ? TimeSpan.Zero : dueTime, period);
    }
}
