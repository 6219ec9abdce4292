using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>
/// The events of one response: <c>response.created</c>, pieces of text as <c>response.output_text.delta</c>, whole calls in
/// <c>response.output_item.done</c>, and at the end <c>response.completed</c>, <c>.incomplete</c> or <c>.failed</c> with the usage. What is not known here is
/// passed over: there are many kinds, and more come.
/// </summary>
internal sealed class ResponsesStream : ChatStream
{
    private WireResponse? _last;
    private bool _called;

    public override ChatResponseUpdate? Read(ReadOnlySpan<byte> data)
    {
        var happened = JsonSerializer.Deserialize(data, OpenAiJson.Default.WireEvent) ?? throw new JsonException("null");
        switch (happened.Type)
        {
            case "response.output_text.delta" when happened.Delta is { Length: > 0 } text:
                return new ChatResponseUpdate(ChatRole.Assistant, text);
            case "response.reasoning_summary_text.delta" or "response.reasoning_text.delta" when happened.Delta is { Length: > 0 } thought:
                return new ChatResponseUpdate(ChatRole.Assistant, [new TextReasoningContent(thought)]);
            case "response.refusal.delta" or "response.refusal.done":
                throw ChatCompletionsWire.Refused();
            case "response.output_item.done" when happened.Item is { Type: "function_call" } call:
                _called = true;
                return new ChatResponseUpdate(ChatRole.Assistant, [ResponsesWire.CallOf(call)]);
            case "response.completed" or "response.incomplete" or "response.failed":
                _last = happened.Response ?? throw new JsonException("no response");
                Ended = true;
                return null;
            case "error":
                throw OpenAiErrors.InAnswer(happened.Error ?? new WireError("error", happened.Code, happened.Param));
            default:
                return null;
        }
    }

    public override ChatResponseUpdate Finish()
    {
        if (_last is null)
        {
            throw new ModelException(ModelFailure.Cut, "the model's answer ended without its end");
        }

        var finish = ResponsesWire.FinishOf(_last);
        var update = new ChatResponseUpdate
        {
            ResponseId = _last.Id,
            CreatedAt = ChatCompletionsWire.TimeOf(_last.CreatedAt),
            FinishReason = _called ? ChatFinishReason.ToolCalls : finish,
        };
        if (_last.Usage is { } usage)
        {
            update.Contents.Add(new UsageContent(usage.ToUsage()));
        }

        return update;
    }
}
