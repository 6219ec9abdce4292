using System.Text.Json;
using System.Text.Json.Nodes;
using Ai.Providers;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests.OpenAi;

/// <summary>What only OpenAI's protocol has.</summary>
public sealed class OpenAiRequestTests : ProviderContract<OpenAiFixture>
{
    private IChatClient Client(string model = "gpt-5.2", string api = "chat")
    {
        var connection = Connection();
        connection.Options.Api = api;
        return Fixture.Provider.CreateChat(connection, model)!;
    }

    private async Task<JsonNode> SentAsync(ChatOptions options, string model = "gpt-5.2", string api = "chat")
    {
        await Client(model, api).GetResponseAsync(Question(), options, Cancellation);
        return Server.Requests[^1].Raw;
    }

    [Theory]
    [InlineData("gpt-5.2", null, true)]
    [InlineData("gpt-5.2", ReasoningEffort.None, true)]
    [InlineData("gpt-5.2", ReasoningEffort.Low, false)]
    [InlineData("gpt-5.2-pro", null, false)]
    [InlineData("gpt-5-mini", null, false)]
    [InlineData("o4-mini", null, false)]
    [InlineData("openai/o3", null, false)]
    [InlineData("gpt-4.1", null, true)]
    [InlineData("olmo2", null, true)]
    public async Task Sets_the_temperature_only_where_the_model_takes_it(string model, ReasoningEffort? effort, bool takes)
    {
        var options = new ChatOptions { Temperature = 0.25f, TopP = 0.5f, Reasoning = effort is null ? null : new ReasoningOptions { Effort = effort } };

        foreach (var api in new[] { "chat", "responses" })
        {
            var sent = await SentAsync(options, model, api);

            Assert.Equal((takes, takes), (sent["temperature"] is not null, sent["top_p"] is not null));
        }
    }

    [Theory]
    [InlineData("gpt-5.2", "max_completion_tokens")]
    [InlineData("o4-mini", "max_completion_tokens")]
    [InlineData("llama3.2", "max_tokens")]
    public async Task Names_the_limit_of_tokens_as_the_model_knows_it(string model, string name) =>
        Assert.Equal(77, (await SentAsync(new ChatOptions { MaxOutputTokens = 77 }, model))[name]!.GetValue<int>());

    [Theory]
    [InlineData(ReasoningEffort.None, "none")]
    [InlineData(ReasoningEffort.Low, "low")]
    [InlineData(ReasoningEffort.ExtraHigh, "xhigh")]
    public async Task Says_how_much_to_think(ReasoningEffort effort, string word)
    {
        var options = new ChatOptions { Reasoning = new ReasoningOptions { Effort = effort } };

        Assert.Equal(word, (await SentAsync(options))["reasoning_effort"]!.GetValue<string>());
        Assert.Equal(word, (await SentAsync(options, api: "responses"))["reasoning"]!["effort"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object"}""", false)]
    public async Task Asks_for_strictness_where_the_schema_allows_it(string schema, bool strict)
    {
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonDocument.Parse(schema).RootElement, "a") };

        Assert.Equal(strict, (await SentAsync(options))["response_format"]!["json_schema"]!["strict"]!.GetValue<bool>());
        Assert.Equal(strict, (await SentAsync(options, api: "responses"))["text"]!["format"]!["strict"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Leaves_the_choice_of_tools_as_free_as_asked()
    {
        var tool = AIFunctionFactory.CreateDeclaration("look", "Looks.", JsonDocument.Parse("""{"type":"object","properties":{}}""").RootElement);

        Assert.Null((await SentAsync(new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.Auto }))["tool_choice"]);
        Assert.Equal("none", (await SentAsync(new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.None }))["tool_choice"]!.GetValue<string>());
        Assert.Equal("required", (await SentAsync(new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.RequireAny }))["tool_choice"]!.GetValue<string>());
        var look = new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.RequireSpecific("look"), AllowMultipleToolCalls = false };
        Assert.Equal("look", (await SentAsync(look))["tool_choice"]!["function"]!["name"]!.GetValue<string>());
        Assert.Equal("look", (await SentAsync(look, api: "responses"))["tool_choice"]!["name"]!.GetValue<string>());
        Assert.False(Server.Requests[^1].Raw["parallel_tool_calls"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Offers_the_providers_own_search_where_it_has_one()
    {
        await SentAsync(new ChatOptions { Tools = [new HostedWebSearchTool()] }, api: "responses");

        Assert.Equal(["web_search"], Request.Tools);
    }

    [Fact]
    public async Task Does_not_offer_tools_that_the_protocol_cannot_describe() => await FailsAsync(
        ModelFailure.CapabilityMissing, () => Client().GetResponseAsync(Question(), new ChatOptions { Tools = [new HostedWebSearchTool()] }, Cancellation));

    [Fact]
    public async Task Looks_at_pictures_in_low_detail_unless_told_otherwise()
    {
        var close = new DataContent(Picture, "image/png") { AdditionalProperties = new() { ["detail"] = "high" } };

        await Client().GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(Picture, "image/png"), close])], cancellationToken: Cancellation);

        Assert.Equal(["low", "high"], Request.Raw["messages"]![0]!["content"]!.AsArray().Select(part => part!["image_url"]!["detail"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Does_not_let_the_server_fetch_addresses()
    {
        ChatMessage[] messages = [new(ChatRole.User, [new UriContent("http://169.254.169.254/latest.png", "image/png")])];

        await FailsAsync(ModelFailure.CapabilityMissing, () => Client().GetResponseAsync(messages, cancellationToken: Cancellation));
        await FailsAsync(ModelFailure.CapabilityMissing, () => Client(api: "responses").GetResponseAsync(messages, cancellationToken: Cancellation));
    }

    [Theory]
    [InlineData("context_length_exceeded", 400, ModelFailure.CapabilityMissing)]
    [InlineData("content_policy_violation", 400, ModelFailure.Refused)]
    [InlineData("insufficient_quota", 429, ModelFailure.QuotaExhausted)]
    [InlineData("billing_hard_limit_reached", 400, ModelFailure.QuotaExhausted)]
    [InlineData("rate_limit_exceeded", 429, ModelFailure.RateLimited)]
    [InlineData("unknown_parameter", 400, ModelFailure.BadRequest)]
    public async Task Goes_by_the_code_first_and_names_it(string code, int status, ModelFailure failure)
    {
        Server.Next(ModelReply.Status(status, code));

        Assert.Contains(code, (await FailsAsync(failure, () => Client().GetResponseAsync(Question(), cancellationToken: Cancellation))).Message);
    }

    [Fact]
    public async Task Reads_a_wait_in_milliseconds()
    {
        Server.Next(ModelReply.Status(429, retryAfter: TimeSpan.FromMilliseconds(250)) with { RetryAfterAsMilliseconds = true });

        var failure = await FailsAsync(ModelFailure.RateLimited, () => Client().GetResponseAsync(Question(), cancellationToken: Cancellation));

        Assert.Equal(TimeSpan.FromMilliseconds(250), failure.RetryAfter);
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("responses")]
    public async Task Tells_tokens_that_were_cached_and_tokens_that_were_thought(string api)
    {
        Server.Next(ModelReply.Text("ok", inputTokens: 100, outputTokens: 60));

        var usage = (await Client(api: api).GetResponseAsync(Question(), cancellationToken: Cancellation)).Usage!;

        Assert.Equal((50, 30), (usage.CachedInputTokenCount, usage.ReasoningTokenCount));
    }

    [Fact]
    public async Task Stores_nothing_at_the_provider() => Assert.False((await SentAsync(new ChatOptions(), api: "responses"))["store"]!.GetValue<bool>());

    [Fact]
    public async Task Draws_in_medium_quality_and_in_the_format_asked_for()
    {
        var images = Fixture.Provider.CreateImages(Connection(), "gpt-image-1.5")!;

        await images.GenerateAsync(new ImageGenerationRequest(Prompt), new ImageGenerationOptions { Count = 2, MediaType = "image/webp" }, Cancellation);

        Assert.Equal(("medium", "webp", "2"), (Request.Raw["quality"]!.GetValue<string>(), Request.Raw["output_format"]!.GetValue<string>(), $"{Request.Raw["n"]}"));
        Assert.Null(Request.Raw["output_compression"]);
    }

    [Theory]
    [InlineData("image/jpeg", "90")]
    [InlineData("image/webp", "90")]
    [InlineData("image/png", null)]
    public async Task Says_how_much_is_kept_of_a_picture_in_a_format_that_can_lose_something(string mediaType, string? sent)
    {
        var images = Fixture.Provider.CreateImages(Connection(), "gpt-image-1.5")!;

        await images.GenerateAsync(
            new ImageGenerationRequest(Prompt), new ImageGenerationOptions { MediaType = mediaType, AdditionalProperties = new() { ["output_compression"] = "90" } }, Cancellation);

        Assert.Equal(sent, Request.Raw["output_compression"]?.GetValue<string>());
    }
}
