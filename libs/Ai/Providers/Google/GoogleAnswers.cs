using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>From the answers of generateContent to Microsoft.Extensions.AI.</summary>
internal static class GoogleAnswers
{
    /// <summary>The candidate of an answer that may have none only in a stream; throws when the prompt was blocked.</summary>
    public static Candidate? CandidateOf(string provider, GenerateContentResponse answer) =>
        answer.PromptFeedback?.BlockReason is { } blocked
            ? throw GoogleFailures.Blocked(provider, $"PROMPT.{blocked}")
            : answer.Candidates is [{ } candidate, ..] ? candidate : null;

    /// <summary>The contents of a candidate, in order.</summary>
    public static List<AIContent> Contents(Candidate candidate)
    {
        var contents = new List<AIContent>();
        foreach (var part in candidate.Content?.Parts ?? [])
        {
            switch (part)
            {
                case { FunctionCall: { Name: { Length: > 0 } name } call }:
                    contents.Add(Signed(ToolJson.Call(call.Id, name, call.Args?.GetRawText()), part));
                    break;
                case { Thought: true }:
                    contents.Add(Signed(new TextReasoningContent(part.Text ?? ""), part));
                    break;
                case { Text: { Length: > 0 } text }:
                    contents.Add(Signed(new TextContent(text), part));
                    break;
                case { InlineData: { MimeType: { Length: > 0 } type } data }:
                    contents.Add(Signed(new DataContent(data.Data, type), part));
                    break;
                case { ThoughtSignature: not null }:
                    // A stream may end with an empty part that only carries the signature of what came before.
                    contents.Add(Signed(new TextReasoningContent(""), part));
                    break;
            }
        }

        return contents;
    }

    /// <summary>Why the answer ended; throws when it is a refusal or a failure of the model.</summary>
    public static ChatFinishReason Finish(string provider, string reason, bool calls) =>
        GoogleFailures.OfFinish(provider, reason) is { } failure ? throw failure
        : reason == "MAX_TOKENS" ? ChatFinishReason.Length
        : calls ? ChatFinishReason.ToolCalls
        : ChatFinishReason.Stop;

    /// <summary>Tokens as they are billed: results of built-in tools as input, thoughts as output.</summary>
    public static UsageDetails? Usage(UsageMetadata? usage) => usage is null ? null : new UsageDetails
    {
        InputTokenCount = Sum(usage.PromptTokenCount, usage.ToolUsePromptTokenCount),
        OutputTokenCount = Sum(usage.CandidatesTokenCount, usage.ThoughtsTokenCount),
        TotalTokenCount = usage.TotalTokenCount,
        CachedInputTokenCount = usage.CachedContentTokenCount,
        ReasoningTokenCount = usage.ThoughtsTokenCount,
    };

    private static long? Sum(long? first, long? second) => first is null ? second : first + (second ?? 0);

    /// <summary>With the signature, under a name of ours: other providers must not take it for one of theirs.</summary>
    private static AIContent Signed(AIContent content, Part part)
    {
        if (part.ThoughtSignature is { } signature)
        {
            content.AdditionalProperties = new() { [GoogleRequests.Signature] = signature };
        }

        return content;
    }
}
