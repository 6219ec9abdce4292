using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Text;
using Ai.Policies;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ai.Tests.Policies;

public sealed class FallbackPolicyTests
{
    private readonly Script _script = new();

    private (FallbackPolicy Policy, ModelCatalogue Catalogue) Make(params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
                [new("OPENAI_API_KEY", "k"), .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))]).Build())
            .AddModels()
            .AddSingleton<ILocalSkill>(new LocalAnswerSkill("ask", "question", new LexicalIndex(), new LocalOptions()))
            .BuildServiceProvider();
        var catalogue = services.GetRequiredService<ModelCatalogue>();
        return (new FallbackPolicy(services.GetRequiredService<FallbackChains>(), catalogue, NullLogger<FallbackPolicy>.Instance), catalogue);
    }

    private static ChatCall Call(ModelCatalogue catalogue, string model = "openai/gpt-5.2", ChatOptions? options = null) =>
        Script.Call(model: catalogue.Find(model, ModelCapabilities.Chat)) with { Options = options };

    private static readonly (string, string)[] Chain =
        [("Ai:Fallback:openai/gpt-5.2:0", "openai/gpt-5-mini"), ("Ai:Fallback:openai/gpt-5.2:1", "local")];

    private string Asked => string.Join(' ', _script.Calls.Select(call => call.Model.Id));

    [Fact]
    public async Task The_next_model_answers_and_says_why()
    {
        var (policy, catalogue) = Make(Chain);
        _script.Fails(ModelFailure.ServerError).Fails(ModelFailure.RateLimited).Answers();

        var answer = await policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None);

        Assert.Equal(("local", ModelFailure.ServerError), (answer.Model.Id, answer.FallbackReason));
        Assert.Equal("openai/gpt-5.2 openai/gpt-5-mini local", Asked);
        Assert.All(_script.Calls, call => Assert.Equal("openai/gpt-5.2", call.Requested.Id));
        Assert.Equal([null, ModelFailure.ServerError, ModelFailure.ServerError], _script.Calls.Select(call => call.FallbackReason));
    }

    [Fact]
    public async Task An_answer_of_the_model_itself_has_no_reason()
    {
        var (policy, catalogue) = Make(Chain);
        _script.Answers();

        Assert.Null((await policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None)).FallbackReason);
    }

    [Fact]
    public async Task When_all_fail_the_first_failure_is_told_with_the_others()
    {
        var (policy, catalogue) = Make(Chain);
        _script.Fails(ModelFailure.RateLimited, TimeSpan.FromSeconds(30)).Fails(ModelFailure.BadRequest).Fails(ModelFailure.CapabilityMissing);

        var failure = await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None).AsTask());

        Assert.Equal((ModelFailure.RateLimited, TimeSpan.FromSeconds(30)), (failure.Failure, failure.RetryAfter));
        Assert.Contains("openai/gpt-5-mini: BadRequest, local: CapabilityMissing", failure.Message);
    }

    [Theory]
    [InlineData(ModelFailure.Refused)]
    [InlineData(ModelFailure.Busy)]
    public async Task What_another_model_says_of_the_call_itself_is_final(ModelFailure failure)
    {
        var (policy, catalogue) = Make(Chain);
        _script.Fails(ModelFailure.ServerError).Fails(failure);

        Assert.Equal(failure, (await Assert.ThrowsAsync<ModelException>(
            () => policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None).AsTask())).Failure);
    }

    public static TheoryData<ModelFailure> All => [.. Enum.GetValues<ModelFailure>()];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Goes_on_where_the_table_says(ModelFailure failure)
    {
        var (policy, catalogue) = Make(Chain);
        _script.Fails(failure).Answers();

        var failed = await Record.ExceptionAsync(() => policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None).AsTask());

        Assert.Equal(ModelFailures.RuleOf(failure).NextModel, failed is null);
    }

    [Fact]
    public async Task A_stream_that_has_begun_stays_with_its_model()
    {
        var (policy, catalogue) = Make(Chain);
        _script.Streams("a", Script.Failed(ModelFailure.Cut));
        var answer = await policy.InvokeAsync(Call(catalogue) with { Streamed = true }, _script.NextAsync, CancellationToken.None);

        await Assert.ThrowsAsync<ModelException>(() => Script.ReadAsync(answer));

        Assert.Single(_script.Calls);
    }

    [Fact]
    public async Task A_caller_who_has_left_gets_no_other_model()
    {
        var (policy, catalogue) = Make(Chain);
        _script.Fails(ModelFailure.ServerError);

        await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(Call(catalogue), _script.NextAsync, new CancellationToken(canceled: true)).AsTask());

        Assert.Single(_script.Calls);
    }

    [Fact]
    public async Task Leaves_out_models_that_lack_what_the_call_needs()
    {
        var (policy, catalogue) = Make(("Ai:Fallback:gpt-5.2:0", "local"));
        _script.Fails(ModelFailure.ServerError);

        // The embedded model has no tools, so nobody is left.
        var failure = await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(
            Call(catalogue, options: new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "tool")] }), _script.NextAsync, CancellationToken.None).AsTask());

        Assert.Equal("it is ServerError", failure.Message);
    }

    [Fact]
    public void Without_a_list_it_is_a_smaller_one_then_other_providers_then_the_embedded_one()
    {
        ModelInfo Model(string id, decimal price) => Script.Model with { Id = id, Provider = id.Split('/')[0], Name = id, Price = new(price, price) };
        ModelInfo[] all = [Model("a/large", 10), Model("a/small", 1), Model("a/middle", 3), Model("b/huge", 30), Model("b/large", 8), Model("c/huge", 40), Model("local", 0)];

        string ChainOf(ModelInfo model, ModelCapabilities needs = ModelCapabilities.Chat) =>
            string.Join(' ', FallbackChains.Default(model, all, needs).Select(other => other.Id));

        Assert.Equal("a/middle b/large c/huge local", ChainOf(all[0]));
        Assert.Equal("b/large c/huge local", ChainOf(all[1]));
        Assert.Equal("", ChainOf(all[0], ModelCapabilities.Tools));
        Assert.Equal("", ChainOf(all[0], ModelCapabilities.Embeddings));
    }

    [Fact]
    public async Task There_is_none_by_default_when_told_so()
    {
        var (policy, catalogue) = Make(("Ai:FallbackByDefault", "false"));
        _script.Fails(ModelFailure.ServerError);

        await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(Call(catalogue), _script.NextAsync, CancellationToken.None).AsTask());

        Assert.Single(_script.Calls);
    }
}
