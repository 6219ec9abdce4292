using Ai.Catalogue;
using Ai.Providers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using TestKit;

namespace Ai.Tests.Catalogue;

/// <summary>What people are told about models, with a provider that lists what the test says.</summary>
public sealed class ModelAvailabilityTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly Listing _provider = new();
    private readonly Paused _paused = new();
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task The_embedded_model_is_always_there()
    {
        var status = Assert.Single(await Availability().ListAsync(Cancel));

        Assert.Equal(("local", true, null), (status.Model.Id, status.Available, status.Reason));
    }

    [Fact]
    public async Task A_provider_without_a_key_says_what_to_set()
    {
        var all = await Availability("Ai:Providers:openai:Api=chat", "Ai:Providers:gemini:Keys:0:Secret=s").ListAsync(Cancel);

        Assert.True(Of(all, "local").Available);
        Assert.Equal("no key: set OPENAI_API_KEY or Ai:Providers:openai:Keys", Of(all, "openai/gpt-5.2").Reason);
        Assert.False(Of(all, "openai/gpt-5.2").Available);
        Assert.Equal("secret 's' needs a sidecar, and this app has none", Of(all, "gemini/gemini-3-flash-preview").Reason);
        Assert.Equal(0, _provider.Asked);
    }

    [Fact]
    public async Task A_model_that_the_provider_does_not_list_is_not_there()
    {
        _provider.Names = ["gpt-5.2", "gpt-5.2-instant"];

        var all = await Availability("OPENAI_API_KEY=k").ListAsync(Cancel);

        Assert.True(Of(all, "openai/gpt-5.2").Available);
        Assert.True(Of(all, "openai/gpt-5.2-chat-latest").Available);
        Assert.Equal("not in the provider's list", Of(all, "openai/gpt-5.1").Reason);
    }

    [Fact]
    public async Task A_server_of_ones_own_adds_what_it_has()
    {
        _provider.Names = ["qwen3:8b", "llama3.2:latest"];

        var all = await Availability("Ai:Providers:ollama:BaseUrl=http://127.0.0.1:11434/v1", "Ai:Model=ollama/llama3.2").ListAsync(Cancel);

        Assert.Equal([("ollama/llama3.2", true), ("local", true), ("ollama/qwen3:8b", true)], all.Select(status => (status.Model.Id, status.Available)));
    }

    [Fact]
    public async Task Lists_are_read_once_and_again_when_they_are_old()
    {
        var availability = Availability("OPENAI_API_KEY=k");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => availability.ListAsync(Cancel)));
        Assert.Equal(1, _provider.Asked);

        _provider.Names = [];
        Assert.True(Of(await availability.ListAsync(Cancel), "openai/gpt-5.2").Available);
        _clock.Advance(TimeSpan.FromMinutes(10));

        await UntilAsync(async () => !Of(await availability.ListAsync(Cancel), "openai/gpt-5.2").Available);
        Assert.Equal(2, _provider.Asked);
    }

    [Theory]
    [InlineData(ModelFailure.Unauthorized, 401, "the provider refuses the key")]
    [InlineData(ModelFailure.Unreachable, null, "unreachable")]
    [InlineData(ModelFailure.ServerError, 503, "the provider answers 503")]
    [InlineData(ModelFailure.RateLimited, 429, "the provider's limit is reached")]
    [InlineData(ModelFailure.NotFound, 404, null)]
    public async Task A_list_that_cannot_be_read_is_a_reason_and_tried_again_soon(ModelFailure failure, int? status, string? reason)
    {
        _provider.Failure = new ModelException(failure, "secret words of a server") { Status = status };
        var availability = Availability("OPENAI_API_KEY=k");

        Assert.Equal(reason, Of(await availability.ListAsync(Cancel), "openai/gpt-5.2").Reason);

        _provider.Failure = null;
        _clock.Advance(reason is null ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(15));
        await UntilAsync(async () => Of(await availability.ListAsync(Cancel), "openai/gpt-5.2").Available);
    }

    [Fact]
    public async Task A_provider_that_does_not_answer_is_given_up_and_keeps_no_call_waiting()
    {
        _provider.Gate = new TaskCompletionSource();
        var availability = Availability("OPENAI_API_KEY=k");
        var list = availability.ListAsync(Cancel);
        await UntilAsync(() => Task.FromResult(_clock.Started(TimeSpan.FromSeconds(5)) > 0));

        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("unreachable", Of(await list, "openai/gpt-5.2").Reason);
    }

    [Fact]
    public async Task What_a_policy_knows_against_a_model_is_a_reason()
    {
        _paused.Model = "openai/gpt-5.1";

        var all = await Availability("OPENAI_API_KEY=k").ListAsync(Cancel);

        Assert.Equal("paused after 5 failures", Of(all, "openai/gpt-5.1").Reason);
        Assert.True(Of(all, "openai/gpt-5.2").Available);
    }

    private static ModelStatus Of(IReadOnlyList<ModelStatus> all, string id) => all.Single(status => status.Model.Id == id);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private IModelAvailability Availability(params string[] settings)
    {
        var services = Settings.Models(settings).AddSingleton<TimeProvider>(_clock).AddSingleton<IModelHealth>(_paused);
        services.RemoveAll<IModelProvider>();
        return services.AddSingleton<IModelProvider>(_provider).AddModelProvider<Ai.Local.LocalProvider>().BuildServiceProvider().GetRequiredService<IModelAvailability>();
    }

    private sealed class Paused : IModelHealth
    {
        public string? Model { get; set; }

        public ModelOutage? OutageOf(ModelInfo model) => model.Id == Model ? new ModelOutage(ModelFailure.CircuitOpen, "paused after 5 failures", TimeSpan.FromSeconds(1)) : null;
    }

    private sealed class Listing : IModelProvider
    {
        private int _asked;

        public string Kind => ProviderKinds.OpenAi;

        public int Asked => Volatile.Read(ref _asked);

        public IReadOnlyList<string>? Names { get; set; }

        public ModelException? Failure { get; set; }

        public TaskCompletionSource? Gate { get; set; }

        public IChatClient? CreateChat(ProviderConnection connection, string model) => null;

        public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

        public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

        public async Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            await (Gate?.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
            return Failure is { } failure ? throw failure : Names;
        }
    }
}
