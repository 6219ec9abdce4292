using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>What the chat client of every provider does with whole answers, and what both kinds of answers have in common.</summary>
public abstract partial class ChatContract<TFixture> : ProviderContract<TFixture> where TFixture : ProviderFixture, new()
{
    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"title":"verdict","type":"object","properties":{"kind":{"type":"string"},"sure":{"type":"boolean"}},"required":["kind","sure"],"additionalProperties":false}
        """).RootElement;

    private static readonly AITool Places = AIFunctionFactory.CreateDeclaration("search_places", "Finds places.", JsonDocument.Parse("""
        {"type":"object","properties":{"query":{"type":"string"},"radius":{"type":["integer","null"]}},"required":["query","radius"],"additionalProperties":false}
        """).RootElement);

    private static readonly AITool Weather = AIFunctionFactory.CreateDeclaration("get_weather", "Tells the weather.", JsonDocument.Parse("""
        {"type":"object","properties":{"place_name":{"type":"string"}},"required":["place_name"],"additionalProperties":false}
        """).RootElement);

    private static readonly ModelReply TwoCalls = ModelReply.ToolCalls(
        ("call_1", "search_places", """{"query":"성수동 카페","radius":null}"""), ("call_2", "get_weather", """{"place_name":"서울"}"""));

    private IChatClient Client(Uri? address = null) => Fixture.Provider.CreateChat(Connection(address), Fixture.Model)!;

    /// <summary>A call, whole or streamed, that gives its text.</summary>
    private static async Task<string> AskAsync(IChatClient client, bool streamed, CancellationToken cancellationToken, ChatOptions? options = null)
    {
        if (!streamed)
        {
            return (await client.GetResponseAsync(Question(), options, cancellationToken)).Text;
        }

        var text = new StringBuilder();
        await foreach (var update in client.GetStreamingResponseAsync(Question(), options, cancellationToken))
        {
            text.Append(update.Text);
        }

        return text.ToString();
    }

    [Fact]
    public async Task Answers_with_text_usage_and_finish_reason()
    {
        Server.Next(ModelReply.Text("투명 페트병입니다.", inputTokens: 900, outputTokens: 31));

        var response = await Client().GetResponseAsync(Question(), cancellationToken: Cancellation);

        Assert.Equal("투명 페트병입니다.", response.Text);
        Assert.Equal(ChatRole.Assistant, Assert.Single(response.Messages).Role);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        AssertUsage(900, 31, response.Usage);
        Assert.Equal((Fixture.Protocol.Name, Fixture.Model, false), (Request.Protocol, Request.Model, Request.Streamed));
    }

    private void AssertUsage(long input, long output, UsageDetails? usage)
    {
        if (Fixture.TellsUsage)
        {
            Assert.Equal((input, output, input + output), (usage!.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        }
        else
        {
            Assert.Null(usage?.InputTokenCount);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sends_the_key_as_the_protocol_wants_it(bool streamed)
    {
        Assert.Equal("ok", await AskAsync(Client(), streamed, Cancellation));

        Assert.Equal(Fixture.Credential, Request.Key);
        Assert.Empty(Server.Rejected);
        if (Fixture.Key is { } key)
        {
            Assert.DoesNotContain(key, Request.Path);
        }
    }

    [Fact]
    public async Task Sends_a_key_without_the_line_end_of_its_file()
    {
        var connection = Connection();

        await AskAsync(Fixture.Provider.CreateChat(connection with { Key = connection.Key + "\n" }, Fixture.Model)!, streamed: false, Cancellation);

        Assert.Equal(Fixture.Credential, Request.Key);
    }

    [Fact]
    public async Task Sends_no_key_that_is_none() => await FailsAsync(
        ModelFailure.Unauthorized,
        () => AskAsync(Fixture.Provider.CreateChat(Connection() with { Key = Fixture.Key + "\nX-Injected: 1" }, Fixture.Model)!, streamed: false, Cancellation));

    [Fact]
    public async Task Says_who_it_is()
    {
        using var client = Client();

        Assert.Equal(("contract", Fixture.Model), (client.GetService<ChatClientMetadata>()!.ProviderName, client.GetService<ChatClientMetadata>()!.DefaultModelId));
        Assert.Equal("ok", await AskAsync(client, streamed: false, Cancellation));
    }

    [Fact]
    public async Task Sends_the_conversation_in_its_order()
    {
        await Client().GetResponseAsync(
            [
                new(ChatRole.System, "You sort waste."),
                new(ChatRole.User, "hello"),
                new(ChatRole.Assistant, "hi"),
                new(ChatRole.User, [new TextContent("what about "), new TextContent("this?")]),
            ],
            cancellationToken: Cancellation);

        Assert.Equal(
            [("system", "You sort waste."), ("user", "hello"), ("assistant", "hi"), ("user", "what about this?")],
            Request.Messages.Select(message => (message.Role, message.Text)));
    }

    [Fact]
    public async Task Sends_instructions_before_the_conversation()
    {
        await Client().GetResponseAsync(Question(), new ChatOptions { Instructions = "Be brief." }, Cancellation);

        Assert.Equal([("system", "Be brief."), ("user", Prompt)], Request.Messages.Select(message => (message.Role, message.Text)));
    }

    [Fact]
    public async Task Sends_the_limit_of_tokens_and_the_temperature()
    {
        await Client().GetResponseAsync(Question(), new ChatOptions { MaxOutputTokens = 321, Temperature = 0.25f }, Cancellation);

        Assert.Equal((321, Fixture.TakesTemperature ? 0.25 : null), (Request.MaxTokens, Request.Temperature));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sends_pictures_with_their_text(bool asUri)
    {
        AIContent picture = asUri ? new DataContent($"data:image/jpeg;base64,{Convert.ToBase64String(Picture)}") : new DataContent(Picture, "image/jpeg");

        await Client().GetResponseAsync([new ChatMessage(ChatRole.User, [new TextContent("what is it?"), picture])], cancellationToken: Cancellation);

        var message = Assert.Single(Request.Messages);
        Assert.Equal(("user", "what is it?"), (message.Role, message.Text));
        var sent = Assert.Single(message.Pictures);
        Assert.Equal("image/jpeg", sent.MediaType);
        Assert.Equal(Picture, sent.Bytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refuses_content_that_it_cannot_send(bool streamed)
    {
        ChatMessage[] messages = [new(ChatRole.User, [new DataContent(new byte[] { 1 }, "application/x-unknown")])];

        await FailsAsync(ModelFailure.CapabilityMissing, async () =>
        {
            if (streamed)
            {
                await foreach (var _ in Client().GetStreamingResponseAsync(messages, cancellationToken: Cancellation))
                {
                }
            }
            else
            {
                await Client().GetResponseAsync(messages, cancellationToken: Cancellation);
            }
        });

        Assert.Empty(Server.Requests);
    }

    [Fact]
    public async Task Asks_for_an_answer_by_schema()
    {
        Server.Next(ModelReply.Text("""{"kind":"병","sure":true}"""));

        var response = await Client().GetResponseAsync(
            Question(), new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema, "verdict") }, Cancellation);

        Assert.Equal("병", JsonDocument.Parse(response.Text).RootElement.GetProperty("kind").GetString());
        Assert.Equal("verdict", Request.SchemaName);
        Assert.Contains("\"sure\"", Request.Raw.ToJsonString());
    }

    [Fact]
    public async Task Offers_tools_and_reads_parallel_calls_of_them()
    {
        Server.Next(TwoCalls);

        var response = await Client().GetResponseAsync(
            Question(), new ChatOptions { Tools = [Places, Weather], ToolMode = ChatToolMode.Auto, AllowMultipleToolCalls = true }, Cancellation);

        Assert.Equal(["search_places", "get_weather"], Request.Tools);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        AssertTwoCalls(Assert.Single(response.Messages).Contents);
    }

    private void AssertTwoCalls(IEnumerable<AIContent> contents)
    {
        var calls = contents.OfType<FunctionCallContent>().ToArray();
        Assert.Equal(["search_places", "get_weather"], calls.Select(call => call.Name));
        Assert.Equal("성수동 카페", $"{calls[0].Arguments!["query"]}");
        Assert.Null(calls[0].Arguments!["radius"]);
        Assert.Equal("서울", $"{calls[1].Arguments!["place_name"]}");
        Assert.Equal(2, calls.Select(call => call.CallId).Where(id => id.Length > 0).Distinct().Count());
        if (Fixture.TellsToolCallIds)
        {
            Assert.Equal(["call_1", "call_2"], calls.Select(call => call.CallId));
        }
    }

    [Fact]
    public async Task Gives_the_results_of_tools_back()
    {
        Server.Next(TwoCalls, ModelReply.Text("비가 와요."));
        var client = Client();
        var options = new ChatOptions { Tools = [Places, Weather] };
        var history = Question().ToList();

        history.AddRange((await client.GetResponseAsync(history, options, Cancellation)).Messages);
        var calls = history[^1].Contents.OfType<FunctionCallContent>().ToArray();
        history.Add(new ChatMessage(ChatRole.Tool,
        [
            new FunctionResultContent(calls[0].CallId, JsonDocument.Parse("""{"places":["가"]}""").RootElement),
            new FunctionResultContent(calls[1].CallId, """{"error":"no forecast"}"""),
        ]));
        var response = await client.GetResponseAsync(history, options, Cancellation);

        Assert.Equal("비가 와요.", response.Text);
        Assert.Empty(Server.Rejected);
        var messages = Server.Requests[1].Messages;
        var called = messages.SelectMany(message => message.ToolCalls).ToArray();
        var results = messages.SelectMany(message => message.ToolResults).ToArray();
        Assert.Equal(["search_places", "get_weather"], called.Select(call => call.Name));
        Assert.Equal("성수동 카페", JsonDocument.Parse(called[0].ArgumentsJson).RootElement.GetProperty("query").GetString());
        Assert.Equal(called.Select(call => call.Id), results.Select(result => result.Id));
        Assert.Contains("가", JsonDocument.Parse(results[0].Text).RootElement.GetProperty("places")[0].GetString());
        Assert.Contains("no forecast", results[1].Text);
    }

    [Fact]
    public async Task Serves_many_calls_at_a_time_with_one_client()
    {
        Server.Brain = request => ModelReply.Text("re: " + request.Question);
        var client = Client();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(async index =>
            (await client.GetResponseAsync(Question($"question {index}"), cancellationToken: Cancellation)).Text));

        Assert.Equal(Enumerable.Range(0, 40).Select(index => $"re: question {index}"), answers);
    }

    [Fact]
    public async Task Marks_an_answer_that_stopped_at_the_limit_of_tokens()
    {
        Server.Next(ModelReply.Length("half an ans"));

        var response = await Client().GetResponseAsync(Question(), cancellationToken: Cancellation);

        Assert.Equal(("half an ans", ChatFinishReason.Length), (response.Text, response.FinishReason));
    }
}
