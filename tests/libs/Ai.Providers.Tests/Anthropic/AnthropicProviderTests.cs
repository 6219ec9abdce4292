using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using ModelServers;
using ModelServers.Anthropic;

namespace Ai.Providers.Tests.Anthropic;

/// <summary>What Anthropic's protocol has of its own.</summary>
public sealed class AnthropicProviderTests : ProviderContract<AnthropicFixture>
{
    private static readonly AITool Weather = AIFunctionFactory.CreateDeclaration(
        "get_weather", "Tells the weather.", JsonDocument.Parse("""{"type":"object","properties":{},"additionalProperties":false}""").RootElement);

    private IChatClient Client(int outputTokens = 0) =>
        Fixture.Provider.CreateChat(Connection() with { OutputTokens = outputTokens }, Fixture.Model)!;

    private Task<ChatResponse> AskAsync(ChatOptions? options = null) => Client().GetResponseAsync(Question(), options, Cancellation);

    [Fact]
    public async Task Speaks_the_current_version_of_the_API()
    {
        await AskAsync();

        Assert.Equal("2026-10-21", Request.Headers["anthropic-version"]);
        Assert.Equal("/v1/messages", Request.Path);
    }

    [Theory]
    [InlineData(0, null, 8192)]
    [InlineData(64_000, null, 8192)]
    [InlineData(4096, null, 4096)]
    [InlineData(4096, 100, 100)]
    public async Task Always_sends_a_limit_of_tokens(int ofTheModel, int? ofTheCall, int sent)
    {
        await Client(ofTheModel).GetResponseAsync(Question(), new ChatOptions { MaxOutputTokens = ofTheCall }, Cancellation);

        Assert.Equal(sent, Request.MaxTokens);
    }

    [Fact]
    public async Task Sends_no_key_where_there_is_none()
    {
        var client = Fixture.Provider.CreateChat(Connection() with { Key = null }, Fixture.Model)!;

        await FailsAsync(ModelFailure.Unauthorized, () => client.GetResponseAsync(Question(), cancellationToken: Cancellation));

        Assert.Equal("/v1/messages: x-api-key header is required", Assert.Single(Server.Rejected));
    }

    [Theory]
    [InlineData(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", ModelFailure.QuotaExhausted)]
    [InlineData(400, "invalid_request_error", "You have reached your specified API usage limits.", ModelFailure.QuotaExhausted)]
    [InlineData(400, "invalid_request_error", "max_tokens: Field required", ModelFailure.BadRequest)]
    [InlineData(402, "billing_error", "", ModelFailure.QuotaExhausted)]
    [InlineData(403, "billing_error", "", ModelFailure.QuotaExhausted)]
    [InlineData(408, "invalid_request_error", "", ModelFailure.RequestTimeout)]
    [InlineData(429, "rate_limit_error", "", ModelFailure.RateLimited)]
    [InlineData(503, "overloaded_error", "", ModelFailure.ServerError)]
    [InlineData(504, "timeout_error", "", ModelFailure.ServerError)]
    [InlineData(529, "overloaded_error", "", ModelFailure.ServerError)]
    [InlineData(404, "Something New 1", "", ModelFailure.NotFound)]
    public async Task Tells_errors_apart_by_their_type(int status, string type, string message, ModelFailure expected)
    {
        Server.Next(ModelReply.Status(status, type) with { Message = message });

        var failure = await FailsAsync(expected, () => AskAsync());

        Assert.Equal(status, failure.Status);
        Assert.Equal(!type.Contains(' '), failure.Message.Contains(type));
    }

    [Fact]
    public async Task Takes_the_status_of_an_error_that_is_no_JSON()
    {
        // The length of a page of a proxy, and more than an error of the protocol ever has.
        Server.Next(ModelReply.Status(502) with { Message = new string('x', 100_000) });

        Assert.Equal(502, (await FailsAsync(ModelFailure.ServerError, () => AskAsync())).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Reports_an_error_in_the_stream(int pieces)
    {
        Server.Next(ModelReply.FailInStream(529, pieces));
        var text = new StringBuilder();

        var failure = await FailsAsync(ModelFailure.ServerError, async () =>
        {
            await foreach (var update in Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation))
            {
                text.Append(update.Text);
            }
        });

        Assert.Null(failure.Status);
        Assert.Contains("overloaded_error", failure.Message);
        Assert.Equal(pieces == 0 ? "" : "one two ", text.ToString());
    }

    [Fact]
    public async Task Says_nothing_until_there_is_text_so_that_an_overload_can_be_asked_again()
    {
        Server.Next(ModelReply.FailInStream(529, pieces: 0));

        await using var updates = Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation).GetAsyncEnumerator(Cancellation);

        await FailsAsync(ModelFailure.ServerError, () => updates.MoveNextAsync().AsTask());
    }

    [Theory]
    [InlineData(null, null, """{"type":"auto"}""")]
    [InlineData("required", null, """{"type":"any"}""")]
    [InlineData("get_weather", null, """{"type":"tool","name":"get_weather"}""")]
    [InlineData("required", false, """{"disable_parallel_tool_use":true,"type":"any"}""")]
    public async Task Sends_the_choice_of_tools(string? mode, bool? parallel, string expected)
    {
        await AskAsync(new ChatOptions
        {
            Tools = [Weather],
            AllowMultipleToolCalls = parallel,
            ToolMode = mode switch { null => ChatToolMode.Auto, "required" => ChatToolMode.RequireAny, _ => ChatToolMode.RequireSpecific(mode) },
        });

        Assert.Equal(expected, Request.Raw["tool_choice"]!.ToJsonString());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("""{"place":"Seo""")]
    public async Task Reports_arguments_of_a_tool_that_are_no_JSON(string arguments)
    {
        // Whole answers have them as JSON within JSON, so only a stream can break them alone.
        Server.Next(ModelReply.ToolCalls(("call_1", "get_weather", arguments)));

        await FailsAsync(ModelFailure.Malformed, async () =>
        {
            await foreach (var _ in Client().GetStreamingResponseAsync(Question(), new ChatOptions { Tools = [Weather] }, Cancellation))
            {
            }
        });
    }

    [Fact]
    public async Task Refuses_what_the_protocol_does_not_have()
    {
        await FailsAsync(ModelFailure.CapabilityMissing, () => AskAsync(new ChatOptions { ResponseFormat = ChatResponseFormat.Json }));

        Assert.Empty(Server.Requests);
        Assert.Null(Fixture.Provider.CreateEmbeddings(Connection(), "any"));
        Assert.Null(Fixture.Provider.CreateImages(Connection(), "any"));
    }

    [Fact]
    public async Task Keeps_to_its_own_model()
    {
        await AskAsync(new ChatOptions { ModelId = "openai/gpt-5.2" });

        Assert.Equal(Fixture.Model, Request.Model);
    }

    [Fact]
    public async Task Lists_the_models_of_all_pages()
    {
        Assert.Equal(AnthropicProtocol.Models, await Fixture.Provider.ListModelsAsync(Connection(), Cancellation));
    }

    [Fact]
    public async Task Fails_to_list_models_as_it_fails_to_answer()
    {
        Server.Next(ModelReply.Status(401));

        await FailsAsync(ModelFailure.Unauthorized, () => Fixture.Provider.ListModelsAsync(Connection(), Cancellation));
        await FailsAsync(
            ModelFailure.Unreachable,
            () => Fixture.Provider.ListModelsAsync(Connection(Nobody()), Cancellation));
    }
}
