using System.Net;
using System.Text;
using Ai.Providers.Google;
using Microsoft.Extensions.AI;

namespace Ai.Providers.Tests.Google;

/// <summary>Answers and errors in the words in which Google gives them.</summary>
public sealed class GoogleWireTests
{
    private const string Sentence = "a sentence that may repeat parts of the request, billing or not";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, """{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]}}""", ModelFailure.Unauthorized)]
    [InlineData(400, """{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}""", ModelFailure.Forbidden)]
    [InlineData(400, """{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[1].parts[0]","description":"x"}]}]}}""", ModelFailure.BadRequest)]
    [InlineData(401, """[{"error":{"code":401,"message":"x","status":"UNAUTHENTICATED"}}]""", ModelFailure.Unauthorized)]
    [InlineData(403, """{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}""", ModelFailure.Forbidden)]
    [InlineData(403, """{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}""", ModelFailure.QuotaExhausted)]
    [InlineData(404, """{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}""", ModelFailure.NotFound)]
    [InlineData(429, """{"error":{"code":429,"message":"Resource exhausted. Please try again later.","status":"RESOURCE_EXHAUSTED"}}""", ModelFailure.RateLimited)]
    [InlineData(429, """{"error":{"code":429,"message":"Your prepayment credits are depleted, see billing.","status":"RESOURCE_EXHAUSTED"}}""", ModelFailure.QuotaExhausted)]
    [InlineData(429, """{"error":{"code":429,"message":"Your project has exceeded its monthly spending cap.","status":"RESOURCE_EXHAUSTED"}}""", ModelFailure.QuotaExhausted)]
    [InlineData(429, """{"error":{"code":429,"message":"see billing","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"5"}]}]}}""", ModelFailure.RateLimited)]
    [InlineData(429, """{"error":{"code":429,"message":"see billing","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"0"}]}]}}""", ModelFailure.QuotaExhausted)]
    [InlineData(429, """{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"20"}]},{"retryDelay":"36s"}]}}""", ModelFailure.QuotaExhausted)]
    [InlineData(429, """{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"Gemini25ProRequestsPerDay"}}]}}""", ModelFailure.QuotaExhausted)]
    [InlineData(499, """{"error":{"code":499,"message":"x","status":"CANCELLED"}}""", ModelFailure.BadRequest)]
    [InlineData(503, """{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}""", ModelFailure.ServerError)]
    [InlineData(504, """{"error":{"code":504,"message":"x","status":"DEADLINE_EXCEEDED"}}""", ModelFailure.ServerError)]
    [InlineData(502, "<html>Bad gateway</html>", ModelFailure.ServerError)]
    [InlineData(500, "", ModelFailure.ServerError)]
    [InlineData(302, "", ModelFailure.BadRequest)]
    public async Task Tells_errors_apart(int status, string body, ModelFailure expected)
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(status, body));

        Assert.Equal((expected, status), (failure.Failure, failure.Status));
    }

    [Fact]
    public async Task Says_codes_and_fields_and_no_sentence()
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(400, $$$"""
            {"error":{"code":400,"message":"{{{Sentence}}}","status":"INVALID_ARGUMENT","details":[
              {"reason":"{{{Sentence}}}"},{"fieldViolations":[{"field":"contents[1].parts[0]","description":"{{{Sentence}}}"},{"field":"{{{Sentence}}}"}]}]}}
            """));

        Assert.Equal("gemini answered 400 (INVALID_ARGUMENT, contents[1].parts[0])", failure.Message);
        Assert.DoesNotContain("sentence", failure.ToString());
    }

    [Theory]
    [InlineData("36.429760048s", 36.42976)]
    [InlineData("2s", 2.0)]
    [InlineData("0.5s", 0.5)]
    [InlineData("soon", null)]
    [InlineData("-3s", null)]
    public async Task Reads_how_long_to_wait(string delay, double? seconds)
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(
            429, $$$"""{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"reason":"X"},{"retryDelay":"{{{delay}}}"}]}}"""));

        Assert.Equal(seconds, failure.RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task Names_no_wait_for_a_quota_of_the_day()
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(
            429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"RequestsPerDay"}]},{"retryDelay":"36s"}]}}"""));

        Assert.Null(failure.RetryAfter);
    }

    [Theory]
    [InlineData("SAFETY", ModelFailure.Refused)]
    [InlineData("RECITATION", ModelFailure.Refused)]
    [InlineData("LANGUAGE", ModelFailure.Refused)]
    [InlineData("BLOCKLIST", ModelFailure.Refused)]
    [InlineData("PROHIBITED_CONTENT", ModelFailure.Refused)]
    [InlineData("SPII", ModelFailure.Refused)]
    [InlineData("OTHER", ModelFailure.Refused)]
    [InlineData("IMAGE_SAFETY", ModelFailure.Refused)]
    [InlineData("A_REASON_OF_TOMORROW", ModelFailure.Refused)]
    [InlineData("MALFORMED_FUNCTION_CALL", ModelFailure.AnswerInvalid)]
    [InlineData("UNEXPECTED_TOOL_CALL", ModelFailure.AnswerInvalid)]
    [InlineData("TOO_MANY_TOOL_CALLS", ModelFailure.AnswerInvalid)]
    [InlineData("MISSING_THOUGHT_SIGNATURE", ModelFailure.BadRequest)]
    public async Task Tells_why_an_answer_stopped(string reason, ModelFailure expected)
    {
        var body = $$"""{"candidates":[{"content":{"role":"model","parts":[{"text":"half"}]},"finishReason":"{{reason}}"}]}""";

        var whole = await Assert.ThrowsAsync<ModelException>(() => AskAsync(200, body));
        var streamed = await Assert.ThrowsAsync<ModelException>(() => StreamAsync($"data: {body}\r\n\r\n"));

        Assert.Equal((expected, expected), (whole.Failure, streamed.Failure));
        Assert.Contains(reason, whole.Message);
        Assert.DoesNotContain("half", whole.ToString());
    }

    [Theory]
    [InlineData("""{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":3}}""", ModelFailure.Refused)]
    [InlineData("""{"usageMetadata":{"promptTokenCount":3}}""", ModelFailure.Malformed)]
    [InlineData("""{"candidates":[]}""", ModelFailure.Malformed)]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}""", ModelFailure.Malformed)]
    [InlineData("""{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"not base64!"}}]},"finishReason":"STOP"}]}""", ModelFailure.Malformed)]
    [InlineData("null", ModelFailure.Malformed)]
    [InlineData("[]", ModelFailure.Malformed)]
    public async Task Takes_no_answer_without_one(string body, ModelFailure expected) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<ModelException>(() => AskAsync(200, body))).Failure);

    [Fact]
    public async Task Counts_thoughts_as_output_and_results_of_built_in_tools_as_input()
    {
        var response = await AskAsync(200, """
            {"candidates":[{"content":{"role":"model","parts":[{"text":"I think","thought":true},{"text":"ok"}]},"finishReason":"STOP"}],
             "usageMetadata":{"promptTokenCount":100,"toolUsePromptTokenCount":20,"candidatesTokenCount":7,"thoughtsTokenCount":30,"cachedContentTokenCount":64,"totalTokenCount":157}}
            """);

        var usage = response.Usage!;
        Assert.Equal("ok", response.Text);
        Assert.Equal("I think", Assert.Single(response.Messages[0].Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal((120, 37, 157), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.Equal((64, 30), (usage.CachedInputTokenCount, usage.ReasoningTokenCount));
    }

    [Fact]
    public async Task Gives_the_tokens_of_a_stream_once_at_its_end()
    {
        var updates = await StreamAsync("""
            data: {"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":6}}

            data: {"candidates":[{"content":{"role":"model","parts":[{"text":"b"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7}}

            data: {"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7},"responseId":"r"}


            """);

        Assert.Equal("ab", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(2, Assert.Single(updates.SelectMany(update => update.Contents).OfType<UsageContent>()).Details.OutputTokenCount);
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
    }

    [Theory]
    [InlineData(429, ModelFailure.RateLimited)]
    [InlineData(500, ModelFailure.ServerError)]
    public async Task Reads_an_error_within_a_stream(int code, ModelFailure expected)
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => StreamAsync($$$"""
            data: {"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}

            data: {"error":{"code":{{{code}}},"message":"{{{Sentence[..10]}}}","status":"X"}}


            """));

        Assert.Equal(expected, failure.Failure);
    }

    private static Task<ChatResponse> AskAsync(int status, string body) => Client(status, body).GetResponseAsync("hello", cancellationToken: Cancellation);

    private static async Task<List<ChatResponseUpdate>> StreamAsync(string body)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (var update in Client(200, body).GetStreamingResponseAsync("hello", cancellationToken: Cancellation))
        {
            updates.Add(update);
        }

        return updates;
    }

    private static IChatClient Client(int status, string body) => new GeminiProvider().CreateChat(
        new ProviderConnection("gemini", new ProviderOptions { Kind = "gemini" }, "key", new HttpClient(new Says(status, body))), "gemini-3-flash-preview");

    private sealed class Says(int status, string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") });
    }
}
