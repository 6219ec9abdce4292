using System.Drawing;
using System.Text.Json;
using Microsoft.Extensions.AI;
using ModelServers;
using ModelServers.Google;

namespace Ai.Providers.Tests.Google;

/// <summary>What Google's protocol has of its own, in both of its kinds.</summary>
public abstract class GoogleProviderTests<TFixture> : ProviderContract<TFixture> where TFixture : ProviderFixture, new()
{
    private static readonly AITool Weather = AIFunctionFactory.CreateDeclaration(
        "get_weather", "Tells the weather.", JsonDocument.Parse("""{"type":"object","properties":{"place":{"type":"string"}}}""").RootElement);

    private static readonly byte[] Drawn = [0x89, 0x50, 0x4E, 0x47, 7];

    private IChatClient Client(string? model = null) => Fixture.Provider.CreateChat(Connection(), model ?? Fixture.Model)!;

    private Task<ChatResponse> AskAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, string? model = null) =>
        Client(model).GetResponseAsync(messages, options, Cancellation);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gives_the_signature_of_a_call_back(bool stored)
    {
        Server.Next(ModelReply.ToolCalls(("call_1", "get_weather", "{}"), ("call_2", "get_weather", "{}")));
        var options = new ChatOptions { Tools = [Weather] };
        List<ChatMessage> history = [.. Question(), .. (await AskAsync(Question(), options)).Messages];
        if (stored)
        {
            var json = JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions);
            history = JsonSerializer.Deserialize<List<ChatMessage>>(json, AIJsonUtilities.DefaultOptions)!;
        }

        // The results of the two calls in two messages, as some agents keep them.
        history.AddRange(history[^1].Contents.OfType<FunctionCallContent>()
            .Select(call => new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, "rain")])).ToList());
        await AskAsync(history, options);

        Assert.Empty(Server.Rejected);
        var contents = Server.Requests[1].Raw["contents"]!.AsArray();
        Assert.Equal(["user", "model", "user"], contents.Select(content => content!["role"]!.GetValue<string>()));
        var calls = contents[1]!["parts"]!.AsArray();
        Assert.Equal(GenerateContent.Signature, calls[0]!["thoughtSignature"]!.GetValue<string>());
        Assert.Null(calls[1]!["thoughtSignature"]);
        Assert.Equal(2, contents[2]!["parts"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("gemini-2.5-flash", null)]
    [InlineData("gemini-3-pro-preview", GenerateContent.SkipSignature)]
    [InlineData("gemini-3.1-pro", GenerateContent.SkipSignature)]
    public async Task Goes_on_with_the_calls_of_another_model(string model, string? signature)
    {
        var reasoning = new TextReasoningContent("hm") { ProtectedData = "a signature of another provider" };
        await AskAsync(
            [
                .. Question(),
                new ChatMessage(ChatRole.Assistant, [reasoning, new FunctionCallContent("toolu_1", "get_weather"), new FunctionCallContent("toolu_2", "get_weather")]),
                new ChatMessage(ChatRole.Tool, [new FunctionResultContent("toolu_1", "rain"), new FunctionResultContent("toolu_2", "sun")]),
            ],
            model: model);

        Assert.Empty(Server.Rejected);
        var parts = Request.Raw["contents"]![1]!["parts"]!.AsArray();
        Assert.Equal(2, parts.Count);
        Assert.Equal((signature, null), (parts[0]!["thoughtSignature"]?.GetValue<string>(), parts[1]!["thoughtSignature"]?.GetValue<string>()));
    }

    [Fact]
    public async Task Sends_every_result_as_an_object()
    {
        object?[] results = [new { temperature = 3 }, "rain", """{"sky":"blue"}""", "{not json", 7, new[] { 1, 2 }, null];
        var calls = results.Select((_, index) => new FunctionCallContent($"call_{index}", "get_weather")).ToList<AIContent>();

        await AskAsync([.. Question(), new(ChatRole.Assistant, calls), new(ChatRole.Tool, [.. results.Select((result, index) => (AIContent)new FunctionResultContent($"call_{index}", result))])]);

        Assert.Equal(
            ["""{"temperature":3}""", """{"result":"rain"}""", """{"sky":"blue"}""", """{"result":"{not json"}""", """{"result":7}""", """{"result":[1,2]}""", """{"result":""}"""],
            Request.Messages[^1].ToolResults.Select(result => result.Text));
        Assert.All(Request.Raw["contents"]![2]!["parts"]!.AsArray(), part => Assert.Equal("get_weather", part!["functionResponse"]!["name"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Puts_the_results_into_the_order_of_the_calls()
    {
        await AskAsync(
        [
            .. Question(),
            new(ChatRole.Assistant, [new FunctionCallContent("a", "first"), new FunctionCallContent("b", "second"), new FunctionCallContent("c", "third")]),
            new(ChatRole.Tool, [new FunctionResultContent("c", "3"), new FunctionResultContent("b", "2")]),
            new(ChatRole.Tool, [new FunctionResultContent("a", "1")]),
        ]);

        Assert.Equal(["""{"result":"1"}""", """{"result":"2"}""", """{"result":"3"}"""], Request.Messages[^1].ToolResults.Select(result => result.Text));
    }

    [Fact]
    public async Task Says_whether_tools_must_be_called()
    {
        foreach (var mode in new ChatToolMode[] { ChatToolMode.Auto, ChatToolMode.None, ChatToolMode.RequireAny, ChatToolMode.RequireSpecific("get_weather") })
        {
            await AskAsync(Question(), new ChatOptions { Tools = [Weather], ToolMode = mode });
        }

        Assert.Equal(
            [null, """{"mode":"NONE"}""", """{"mode":"ANY"}""", """{"mode":"ANY","allowedFunctionNames":["get_weather"]}"""],
            Server.Requests.Select(request => request.Raw["toolConfig"]?["functionCallingConfig"]?.ToJsonString()));
    }

    [Fact]
    public async Task Offers_the_search_of_the_provider()
    {
        await AskAsync(Question(), new ChatOptions { Tools = [new HostedWebSearchTool()] });

        Assert.Equal("""[{"googleSearch":{}}]""", Request.Raw["tools"]!.ToJsonString());
        await FailsAsync(ModelFailure.CapabilityMissing, () => AskAsync(Question(), new ChatOptions { Tools = [new HostedCodeInterpreterTool()] }));
    }

    [Fact]
    public async Task Sends_every_option_of_generation()
    {
        await AskAsync(Question(), new ChatOptions
        {
            Temperature = 0.5f, TopP = 0.25f, TopK = 40, MaxOutputTokens = 99, StopSequences = ["END"], Seed = 7, PresencePenalty = 0.5f, FrequencyPenalty = 0.75f,
            ResponseFormat = ChatResponseFormat.Json,
        });

        Assert.Equal(
            """{"temperature":0.5,"topP":0.25,"topK":40,"maxOutputTokens":99,"stopSequences":["END"],"seed":7,"presencePenalty":0.5,"frequencyPenalty":0.75,"responseMimeType":"application/json"}""",
            Request.Raw["generationConfig"]!.ToJsonString());
    }

    [Fact]
    public async Task Sends_files_by_their_address()
    {
        await AskAsync([new ChatMessage(ChatRole.User, [new UriContent("gs://bucket/bottle.jpg", "image/jpeg")])]);

        Assert.Equal("""{"fileData":{"mimeType":"image/jpeg","fileUri":"gs://bucket/bottle.jpg"}}""", Request.Raw["contents"]![0]!["parts"]![0]!.ToJsonString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_a_prompt_that_is_blocked(bool streamed)
    {
        Server.Next(ModelReply.Refusal("prompt"));

        var failure = await FailsAsync(ModelFailure.Refused, () => streamed
            ? Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation).ToChatResponseAsync(Cancellation)
            : AskAsync(Question()));

        Assert.Contains("PROMPT.PROHIBITED_CONTENT", failure.Message);
    }

    [Fact]
    public async Task Draws_from_reference_pictures_in_a_shape_near_the_size()
    {
        Server.Next(ModelReply.Picture(Drawn));

        var response = await DrawAsync(
            new ImageGenerationRequest("on a beach", [new DataContent(Picture, "image/jpeg"), new DataContent(Drawn, "image/png")]),
            new ImageGenerationOptions { ImageSize = new Size(1920, 1080) });

        // Neither the model's words nor the sketch that it thought with.
        Assert.Equal(Drawn, Assert.Single(response.Contents.Cast<DataContent>()).Data.ToArray());
        Assert.Equal(("on a beach", 2, "16:9"), (Request.Question, Request.Messages[0].Pictures.Count, Request.Size));
        Assert.Equal("""["TEXT","IMAGE"]""", Request.Raw["generationConfig"]!["responseModalities"]!.ToJsonString());
    }

    [Theory]
    [InlineData("safety", "IMAGE_SAFETY")]
    [InlineData("NO_IMAGE", "NO_IMAGE")]
    [InlineData("IMAGE_PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT")]
    [InlineData("STOP", "NO_IMAGE")]
    public async Task Says_why_there_is_no_picture(string reason, string said)
    {
        Server.Next(ModelReply.NoPicture(reason));

        Assert.Contains(said, (await FailsAsync(ModelFailure.Refused, () => DrawAsync(new ImageGenerationRequest("on a beach")))).Message);
    }

    [Fact]
    public async Task Draws_one_picture_a_request() =>
        await FailsAsync(ModelFailure.CapabilityMissing, () => DrawAsync(new ImageGenerationRequest("a"), new ImageGenerationOptions { Count = 2 }));

    protected async Task EmbedsAsync(string model, int texts, params int[] textsOfRequests)
    {
        string[] values = [.. Enumerable.Range(0, texts).Select(index => $"text {index}")];

        var embeddings = await Fixture.Provider.CreateEmbeddings(Connection(), model)!
            .GenerateAsync(values, new EmbeddingGenerationOptions { Dimensions = 12 }, Cancellation);

        Assert.Empty(Server.Rejected);
        Assert.Equal(values.Select(text => EmbeddingsReply.Of(text, 12)), embeddings.Select(embedding => embedding.Vector.ToArray()));
        Assert.Equal(textsOfRequests, Server.Requests.Select(request => request.Messages.Count).OrderDescending());
        Assert.All(Server.Requests, request => Assert.Equal((model, 12), (request.Model, request.Dimensions)));
    }

    private Task<ImageGenerationResponse> DrawAsync(ImageGenerationRequest request, ImageGenerationOptions? options = null) =>
        Fixture.Provider.CreateImages(Connection(), "gemini-3-pro-image")!.GenerateAsync(request, options, Cancellation);
}

public sealed class GeminiProviderTests : GoogleProviderTests<GeminiFixture>
{
    [Fact]
    public async Task Calls_the_beta_of_the_API()
    {
        await Fixture.Provider.CreateChat(Connection(), Fixture.Model)!.GetResponseAsync("hello", cancellationToken: Cancellation);

        Assert.Equal("/v1beta/models/gemini-3-flash-preview:generateContent", Request.Path);
    }

    [Fact]
    public async Task Embeds_a_hundred_texts_a_request() => await EmbedsAsync("gemini-embedding-001", 250, 100, 100, 50);

    [Fact]
    public async Task Sends_no_key_where_there_is_none()
    {
        var client = Fixture.Provider.CreateChat(Connection() with { Key = null }, Fixture.Model)!;

        await FailsAsync(ModelFailure.Forbidden, () => client.GetResponseAsync("hello", cancellationToken: Cancellation));

        Assert.Single(Server.Rejected);
    }
}

public sealed class VertexProviderTests : GoogleProviderTests<VertexFixture>
{
    [Theory]
    [InlineData("text-embedding-005", 300, 250, 50)]
    [InlineData("gemini-embedding-001", 3, 1, 1, 1)]
    [InlineData("gemini-embedding-2", 3, 1, 1, 1)]
    public async Task Embeds_as_many_texts_a_request_as_the_model_takes(string model, int texts, params int[] requests) => await EmbedsAsync(model, texts, requests);
}
