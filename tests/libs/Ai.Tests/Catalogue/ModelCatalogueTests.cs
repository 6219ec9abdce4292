using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests.Catalogue;

public sealed class ModelCatalogueTests
{
    private static readonly string[] Everything = ["OPENAI_API_KEY=k", "ANTHROPIC_API_KEY=k", "GEMINI_API_KEY=k"];
    private static readonly string[] Ollama = ["Ai:Providers:ollama:BaseUrl=http://127.0.0.1:11434/v1", "Ai:Model=ollama/llama3.2"];

    private static ModelCatalogue Catalogue(params string[] settings) => Settings.Models(settings).BuildServiceProvider().GetRequiredService<ModelCatalogue>();

    [Fact]
    public void The_embedded_model_is_all_there_is_without_configuration()
    {
        var model = Assert.Single(Catalogue("OPENAI_API_KEY=").All);

        Assert.Equal(("local", "local", 0m), (model.Id, model.Provider, model.Price.OutputPerMillion));
    }

    [Theory]
    [InlineData("openai/gpt-5.2", "ANTHROPIC_API_KEY=k", "OPENAI_API_KEY=k", "GEMINI_API_KEY=k")]
    [InlineData("anthropic/claude-sonnet-4-6", "GEMINI_API_KEY=k", "ANTHROPIC_API_KEY=k")]
    [InlineData("gemini/gemini-3-flash-preview", "GOOGLE_API_KEY=k")]
    [InlineData("vertex/gemini-3-flash-preview", "Ai:Providers:vertex:Project=p")]
    [InlineData("vertex/gemini-3-flash-preview", "Ai:Providers:vertex:Project=p", "Ai:Providers:openai:Api=responses")]
    [InlineData("openai/gpt-5.2", "Ai:Providers:openai:BaseUrl=http://127.0.0.1:1/v1")]
    [InlineData("local", "Ai:Providers:vllm:BaseUrl=http://127.0.0.1:1/v1")]
    [InlineData("anthropic/claude-opus-4-8", "OPENAI_API_KEY=k", "ANTHROPIC_API_KEY=k", "Ai:Model=claude-opus-4-8")]
    public void The_default_is_the_one_chosen_or_the_first_of_the_first_configured_provider(string id, params string[] settings) =>
        Assert.Equal(id, Catalogue(settings).All[0].Id);

    [Fact]
    public void Ollama_takes_two_lines()
    {
        var catalogue = Catalogue(Ollama);

        var model = catalogue.Find(null, ModelCapabilities.Chat | ModelCapabilities.Tools | ModelCapabilities.Streaming);

        Assert.Equal(("ollama/llama3.2", "ollama", "llama3.2"), (model.Id, model.Provider, model.Name));
        Assert.Equal(["ollama/llama3.2", "local"], catalogue.All.Select(listed => listed.Id));
        Assert.Null(model.Price.InputPerMillion);
        Assert.Equal("qwen3:8b", catalogue.Find("ollama/qwen3:8b", ModelCapabilities.Embeddings).Name);
    }

    [Theory]
    [InlineData("openai/gpt-5.2", "openai/gpt-5.2")]
    [InlineData("OpenAI/GPT-5.2", "openai/gpt-5.2")]
    [InlineData("gpt-5.2", "openai/gpt-5.2")]
    [InlineData("gpt-5.2-instant", "openai/gpt-5.2-chat-latest")]
    [InlineData("openai/gpt-5.2-instant", "openai/gpt-5.2-chat-latest")]
    [InlineData("google/gemini-3-pro-preview", "gemini/gemini-3-pro-preview")]
    [InlineData("gemini", "gemini/gemini-3-flash-preview")]
    [InlineData("gpt", "openai/gpt-5.2")]
    [InlineData("claude", "anthropic/claude-sonnet-4-6")]
    [InlineData("gpt-9-turbo", "openai/gpt-9-turbo")]
    [InlineData("claude-opus-9", "anthropic/claude-opus-9")]
    [InlineData("gemini-9-flash-image", "gemini/gemini-9-flash-image")]
    [InlineData("local", "local")]
    public void A_word_is_an_id_a_name_an_alias_or_the_beginning_of_a_family(string word, string id) =>
        Assert.Equal(id, Catalogue(Everything).Find(word, ModelCapabilities.None).Id);

    [Fact]
    public void A_model_that_is_not_listed_can_what_its_family_can()
    {
        var catalogue = Catalogue(Everything);

        Assert.Equal(ModelCapabilities.Images | ModelCapabilities.ImageEdits, catalogue.Find("gemini-9-flash-image", ModelCapabilities.None).Capabilities);
        Assert.True(catalogue.Find("claude-9", ModelCapabilities.None).Capabilities.HasFlag(ModelCapabilities.Tools));
    }

    [Theory]
    [InlineData("gtp-5.2")]
    [InlineData("openai/davinci")]
    [InlineData("nobody/gpt-5.2")]
    [InlineData("gpt-5.2\nINFO all is well")]
    [InlineData("gpt 5.2")]
    public void What_names_no_model_is_refused_with_those_that_there_are(string word)
    {
        var failure = Assert.Throws<ModelException>(() => Catalogue("OPENAI_API_KEY=k").Find(word, ModelCapabilities.None));

        Assert.Equal(ModelFailure.UnsupportedModel, failure.Failure);
        Assert.Contains("not supported; supported: openai/gpt-5.2, openai/gpt-5.2-pro,", failure.Message);
        Assert.EndsWith(", local", failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_family_without_its_provider_says_so()
    {
        var failure = Assert.Throws<ModelException>(() => Catalogue("OPENAI_API_KEY=k").Find("claude-sonnet-4-6", ModelCapabilities.None));

        Assert.StartsWith("model 'claude-sonnet-4-6' is not supported, because provider anthropic is not configured; supported: openai/gpt-5.2,", failure.Message);
    }

    [Fact]
    public void Names_that_are_made_up_do_not_fill_the_memory()
    {
        var catalogue = Catalogue(Ollama);
        for (var number = 0; number < 1000; number++)
        {
            catalogue.Find($"ollama/m{number}", ModelCapabilities.None);
        }

        Assert.Throws<ModelException>(() => catalogue.Find("ollama/one-more", ModelCapabilities.None));
        Assert.Equal("ollama/m7", catalogue.Find("ollama/m7", ModelCapabilities.None).Id);
        Assert.Equal("ollama/llama3.2", catalogue.Find("llama3.2", ModelCapabilities.None).Id);
    }

    [Fact]
    public void What_a_model_cannot_do_is_said_with_those_that_can()
    {
        var catalogue = Catalogue("OPENAI_API_KEY=k");

        var failure = Assert.Throws<ModelException>(() => catalogue.Find("gpt-5.2", ModelCapabilities.Embeddings));
        Assert.Equal(ModelFailure.CapabilityMissing, failure.Failure);
        Assert.StartsWith("openai/gpt-5.2 cannot do Embeddings; these can: openai/text-embedding-3-small, openai/text-embedding-3-large", failure.Message);

        failure = Assert.Throws<ModelException>(() => Catalogue().Find(null, ModelCapabilities.Tools | ModelCapabilities.Chat | ModelCapabilities.ImageEdits));
        Assert.EndsWith("no configured model can", failure.Message);
    }

    [Theory]
    [InlineData("gemini-3-pro-image", 14, null)]
    [InlineData("gemini-3-pro-image", 15, "gemini/gemini-3-pro-image takes 14 reference pictures, not 15; no model takes as many")]
    [InlineData("gpt-image-1.5", 2, "openai/gpt-image-1.5 takes 1 reference pictures, not 2; as many take: gemini/gemini-3-pro-image, gemini/gemini-2.5-flash-image, local")]
    public void A_request_carries_as_many_reference_pictures_as_the_model_takes(string model, int count, string? problem)
    {
        var catalogue = Catalogue(Everything);
        var info = catalogue.Find(model, ModelCapabilities.ImageEdits);
        var call = new ImageCall
        {
            Requested = info,
            Model = info,
            Policy = catalogue.PolicyOf(info),
            Scope = CallScope.None,
            Request = new ImageGenerationRequest("a cat", [.. Enumerable.Repeat(new DataContent("data:image/png;base64,AA=="), count)]),
        };

        Assert.Equal(problem, Record.Exception(() => catalogue.Check(info, call))?.Message);
    }

    [Fact]
    public void The_configuration_changes_single_values_and_adds_models()
    {
        var catalogue = Catalogue(
            [.. Ollama, "OPENAI_API_KEY=k", "Ai:Models:openai/gpt-5.2:ContextTokens=1000", "Ai:Models:openai/gpt-5-mini:InputPerMillion=9",
            "Ai:Models:llama:Id=ollama/llama3.2:3b", "Ai:Models:llama:Capabilities=Chat, Streaming", "Ai:Models:llama:InputPerMillion=0", "Ai:Models:llama:OutputPerMillion=0",
            "Ai:Models:openai/mine:Name=ft:gpt:mine", "Ai:Models:openai/mine:DisplayName=Mine"]);

        var changed = catalogue.Find("gpt-5.2", ModelCapabilities.None);
        Assert.Equal((1000, 128_000, 1.75m, new DateOnly(2026, 7, 2)), (changed.ContextTokens, changed.OutputTokens, changed.Price.InputPerMillion, changed.Price.Date));
        Assert.Equal(new ModelPrice(9, 2, 0.025m), catalogue.Find("gpt-5-mini", ModelCapabilities.None).Price);
        var added = catalogue.Find("llama3.2:3b", ModelCapabilities.None);
        Assert.Equal(("ollama/llama3.2:3b", ModelCapabilities.Chat | ModelCapabilities.Streaming, 0m), (added.Id, added.Capabilities, added.Price.OutputPerMillion));
        Assert.Equal(("ft:gpt:mine", "Mine"), (catalogue.Find("openai/mine", ModelCapabilities.None).Name, catalogue.Find("openai/mine", ModelCapabilities.None).DisplayName));
        Assert.Contains(added, catalogue.All);
    }

    [Fact]
    public void A_second_account_has_the_models_of_its_kind()
    {
        var catalogue = Catalogue("OPENAI_API_KEY=k", "Ai:Providers:team:Kind=openai", "Ai:Providers:team:Keys:0:Value=k2");

        Assert.Equal("openai/gpt-5.2", catalogue.Find("gpt-5.2", ModelCapabilities.None).Id);
        Assert.Equal("team", catalogue.Find("team/gpt-5.2", ModelCapabilities.None).Provider);
    }

    [Fact]
    public void A_policy_is_the_base_with_what_provider_and_model_change()
    {
        var catalogue = Catalogue(
            [.. Everything, "Ai:Calls:Retries=4", "Ai:Calls:FirstByteTimeout=00:00:11", "Ai:Providers:openai:Calls:Retries=5", "Ai:Models:openai/gpt-5-mini:Calls:Retries=6",
            "Ai:Models:openai/gpt-5.1:Calls:IdleTimeout=00:00:07"]);
        (int, TimeSpan, TimeSpan) Of(string model) =>
            catalogue.PolicyOf(catalogue.Find(model, ModelCapabilities.None)) is var policy ? (policy.Retries, policy.FirstByteTimeout, policy.IdleTimeout) : default;
        var (eleven, seven, thirty) = (TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(30));

        Assert.Equal((4, eleven, thirty), Of("claude-haiku-4-5"));
        Assert.Equal((5, eleven, thirty), Of("gpt-5.2"));
        Assert.Equal((6, eleven, thirty), Of("gpt-5-mini"));
        Assert.Equal((5, eleven, seven), Of("gpt-5.1"));
        Assert.Same(catalogue.PolicyOf(catalogue.All[0]), catalogue.PolicyOf(catalogue.All[0]));
    }

    [Theory]
    [InlineData("intent", ModelTier.Fast, "openai/gpt-5.2-chat-latest")]
    [InlineData("intent", ModelTier.Standard, "openai/gpt-5.2")]
    [InlineData("answer", ModelTier.Fast, "gemini/gemini-3-flash-preview")]
    [InlineData("answer", ModelTier.Premium, "openai/gpt-5.2-pro")]
    [InlineData("summarization", ModelTier.Standard, "gemini/gemini-3-pro-preview")]
    [InlineData("anything", ModelTier.Premium, "openai/gpt-5.2")]
    public void A_task_has_a_model_at_each_tier(string task, ModelTier tier, string id) => Assert.Equal(id, Catalogue(Everything).Choose(task, tier).Id);

    [Theory]
    [InlineData("answer", ModelTier.Fast, "openai/gpt-5.2", "OPENAI_API_KEY=k")]
    [InlineData("answer", ModelTier.Premium, "gemini/gemini-3-flash-preview", "GEMINI_API_KEY=k")]
    [InlineData("answer", ModelTier.Standard, "local")]
    [InlineData("answer", ModelTier.Standard, "openai/gpt-5-mini", "OPENAI_API_KEY=k", "Ai:Model=gpt-5-mini", "Ai:Tasks:draw:Standard=gpt-image-1.5")]
    [InlineData("answer", ModelTier.Premium, "openai/gpt-5.1", "OPENAI_API_KEY=k", "Ai:Tasks:answer:Standard=gpt-5.1", "Ai:Tasks:answer:Fast=gpt-5-nano")]
    [InlineData("answer", ModelTier.Fast, "openai/gpt-5.2", "OPENAI_API_KEY=k", "Ai:Tasks:answer:Standard=gpt-5.1")]
    [InlineData("draw", ModelTier.Standard, "openai/gpt-image-1.5", "OPENAI_API_KEY=k")]
    [InlineData("draw", ModelTier.Standard, "openai/gpt-image-1.5", "OPENAI_API_KEY=k", "Ai:Model=gpt-5-mini")]
    [InlineData("draw", ModelTier.Standard, "local", "ANTHROPIC_API_KEY=k", "Ai:Model=claude-haiku-4-5")]
    public void A_tier_without_a_configured_model_takes_the_nearest_lower_then_the_default(string task, ModelTier tier, string id, params string[] settings) =>
        Assert.Equal(id, Settings.Models(settings).AddModelTask("draw", ModelCapabilities.Images).BuildServiceProvider().GetRequiredService<IModels>().Choose(task, tier).Id);

    [Fact]
    public void A_task_may_be_written_as_an_environment_variable_can() => Assert.Equal(
        "openai/gpt-5.1",
        Settings.Models("OPENAI_API_KEY=k", "Ai:Tasks:desk_prompt:Standard=gpt-5.1").AddModelTask("desk-prompt", ModelCapabilities.Chat).BuildServiceProvider()
            .GetRequiredService<IModels>().Choose("desk-prompt").Id);

    [Theory]
    [InlineData("gpt-5.2", ModelCapabilities.Chat | ModelCapabilities.Tools, "openai/gpt-5.1 anthropic/claude-haiku-4-5 gemini/gemini-3.1-pro-preview")]
    [InlineData("claude-haiku-4-5", ModelCapabilities.Chat | ModelCapabilities.Vision, "openai/gpt-5.4-mini gemini/gemini-3-flash-preview local")]
    [InlineData("gemini-3-pro-image", ModelCapabilities.Images | ModelCapabilities.ImageEdits, "gemini/gemini-2.5-flash-image openai/gpt-image-1 local")]
    [InlineData("text-embedding-3-small", ModelCapabilities.Embeddings, "")]
    [InlineData("local", ModelCapabilities.Chat, "")]
    [InlineData("gpt-5-mini", ModelCapabilities.Chat, "openai/gpt-5.2-chat-latest local")]
    public void The_chain_of_a_built_in_model_is_as_configured_or_goes_by_the_price(string model, ModelCapabilities needs, string chain)
    {
        using var services = Settings.Models([.. Everything, "Ai:Fallback:gpt-5-mini:0=gpt-5.2-instant", "Ai:Fallback:gpt-5-mini:1=text-embedding-3-small", "Ai:Fallback:gpt-5-mini:2=local"])
            .BuildServiceProvider();

        Assert.Equal(chain, string.Join(' ', services.GetRequiredService<FallbackChains>().Of(services.GetRequiredService<IModels>().Find(model, needs), needs).Select(other => other.Id)));
    }

    [Fact]
    public void Every_built_in_model_is_whole()
    {
        var file = BuiltInModels.Value;

        Assert.All(file.Models, model =>
        {
            Assert.All(model.Kinds, kind => Assert.Contains(kind, Ai.Providers.ProviderKinds.All));
            Assert.NotEqual(ModelCapabilities.None, model.Capabilities);
            Assert.True(model.Price is null || model.Price is { Source.Length: > 0, Date: not null }, model.Name);
        });
        Assert.Distinct(file.Models.SelectMany(model => model.Kinds.Select(kind => (kind, model.Name))));
        Assert.All(file.Tasks.Values.SelectMany(tiers => tiers.Values), name => Assert.Contains(file.Models, model => model.Name == name || model.Aliases?.Contains(name) == true));
    }
}
