using Ai.Providers.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests.OpenAi;

/// <summary>Answers as compatible servers give them, byte by byte.</summary>
public sealed class CompatibleAnswerTests
{
    private static async Task<ChatResponse> StreamAsync(params string[] chunks) =>
        await AskAsync("text/event-stream", string.Concat(chunks.Select(chunk => $"data: {chunk}\n\n")));

    private static async Task<ChatResponse> AskAsync(string contentType, string body)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var protocol = new Verbatim(contentType, body);
        await using var server = await ModelServer.StartAsync(protocol);
        using var http = new HttpClient();
        using var client = new OpenAiProvider().CreateChat(
            new ProviderConnection("server", new ProviderOptions { BaseUrl = protocol.BaseUrl(server.Address) }, Key: null, http), "llama3.2");
        return contentType == "text/event-stream"
            ? await client.GetStreamingResponseAsync("?", cancellationToken: cancellationToken).ToChatResponseAsync(cancellationToken)
            : await client.GetResponseAsync("?", cancellationToken: cancellationToken);
    }

    [Fact]
    public async Task Takes_the_end_marker_for_the_end()
    {
        var response = await StreamAsync("""{"choices":[{"delta":{"content":"hi"}}]}""", "[DONE]");

        Assert.Equal(("hi", ChatFinishReason.Stop), (response.Text, response.FinishReason));
    }

    [Fact]
    public async Task Takes_a_finish_reason_for_the_end_whatever_it_is()
    {
        var response = await StreamAsync("""{"choices":[{"delta":{"content":"hi"},"finish_reason":"eos"}]}""");

        Assert.Equal(("hi", new ChatFinishReason("eos")), (response.Text, response.FinishReason));
    }

    [Fact]
    public async Task Counts_usage_once_that_is_told_with_every_piece()
    {
        var response = await StreamAsync(
            """{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}""",
            """{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}""",
            "[DONE]");

        Assert.Equal((5, 2, 7), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task Keeps_thoughts_apart_from_the_answer()
    {
        var response = await StreamAsync(
            """{"choices":[{"delta":{"role":"assistant","reasoning_content":"hmm"}}]}""",
            """{"choices":[{"delta":{"reasoning":" so"}}]}""",
            """{"choices":[{"delta":{"content":"yes"},"finish_reason":"stop"}]}""",
            "[DONE]");

        Assert.Equal("yes", response.Text);
        Assert.Equal("hmm so", string.Concat(response.Messages[0].Contents.OfType<TextReasoningContent>().Select(thought => thought.Text)));
    }

    [Fact]
    public async Task Puts_calls_together_that_have_no_index_and_end_with_stop()
    {
        var response = await StreamAsync(
            """{"choices":[{"delta":{"tool_calls":[{"function":{"name":"first","arguments":"{\"a\":"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"function":{"name":"second","arguments":""}}]}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"stop"}]}""",
            "[DONE]");

        var calls = response.Messages[0].Contents.OfType<FunctionCallContent>().ToArray();
        Assert.Equal(["first", "second"], calls.Select(call => call.Name));
        Assert.Equal("1", $"{calls[0].Arguments!["a"]}");
        Assert.Empty(calls[1].Arguments!);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public async Task Keeps_a_call_whose_arguments_are_no_JSON_for_the_agent_to_answer()
    {
        var response = await StreamAsync(
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{broken"}}]},"finish_reason":"tool_calls"}]}""", "[DONE]");

        Assert.NotNull(Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>()).Exception);
    }

    [Fact]
    public async Task Passes_over_comments_and_what_it_does_not_know()
    {
        var response = await AskAsync(
            "text/event-stream",
            ": waiting\n\nevent: ping\ndata: {\"kind\":\"ping\"}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");

        Assert.Equal("hi", response.Text);
    }

    [Theory]
    [InlineData("""{"error":{"message":"secret","type":"overloaded","code":503}}""", ModelFailure.ServerError)]
    [InlineData("""{"error":{"message":"secret","code":429}}""", ModelFailure.RateLimited)]
    [InlineData("""{"error":{"message":"secret","code":"rate_limit_exceeded"}}""", ModelFailure.RateLimited)]
    [InlineData("""{"error":{"message":"secret"}}""", ModelFailure.ServerError)]
    [InlineData("""null""", ModelFailure.Malformed)]
    [InlineData("""[1]""", ModelFailure.Malformed)]
    [InlineData("""{"choices":[{"delta":{"refusal":"secret"}}]}""", ModelFailure.Refused)]
    [InlineData("""{"choices":[{"delta":{},"finish_reason":"content_filter"}]}""", ModelFailure.Refused)]
    public async Task Fails_for_what_stands_in_place_of_an_answer(string chunk, ModelFailure failure)
    {
        var streamed = await Assert.ThrowsAsync<ModelException>(() => StreamAsync(chunk));
        var whole = await Assert.ThrowsAsync<ModelException>(() => AskAsync("application/json", chunk.Replace("\"delta\"", "\"message\"")));

        Assert.Equal((failure, failure), (streamed.Failure, whole.Failure));
        Assert.DoesNotContain("secret", streamed.ToString() + whole);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("<html>")]
    [InlineData("")]
    public async Task Fails_for_answers_that_are_none(string body) =>
        Assert.Equal(ModelFailure.Malformed, (await Assert.ThrowsAsync<ModelException>(() => AskAsync("application/json", body))).Failure);

    private sealed class Verbatim(string contentType, string body) : IModelProtocol
    {
        public string Name => "verbatim";

        public Uri BaseUrl(Uri address) => new(address, "/v1/");

        public void Map(IEndpointRouteBuilder routes, ModelServer server) => routes.MapPost("/v1/chat/completions", http =>
        {
            http.Response.ContentType = contentType;
            return http.Response.WriteAsync(body);
        });
    }
}
