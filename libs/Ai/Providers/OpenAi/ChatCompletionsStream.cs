using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>
/// The chunks of one chat completion: the first has the role, then text or pieces of calls, a finish reason, with <c>include_usage</c> one more with the
/// usage and no choices, and <c>[DONE]</c>.
/// </summary>
internal sealed class ChatCompletionsStream : ChatStream
{
    private readonly List<PartialCall> _calls = [];
    private string? _finish;
    private UsageDetails? _usage;

    public override ChatResponseUpdate? Read(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            Ended = true;
            return null;
        }

        var chunk = JsonSerializer.Deserialize(data, OpenAiJson.Default.WireCompletion) ?? throw new JsonException("null");
        if (chunk.Error is { } error)
        {
            throw OpenAiErrors.InAnswer(error);
        }

        // Some servers tell it with every chunk, so far; the last one counts.
        _usage = chunk.Usage?.ToUsage() ?? _usage;
        var choice = chunk.Choices is [var first, ..] ? first : null;
        if (choice?.Delta?.Refusal is { Length: > 0 } || choice?.FinishReason == "content_filter")
        {
            throw ChatCompletionsWire.Refused();
        }

        var update = UpdateOf(choice?.Delta);
        if (choice?.FinishReason is { Length: > 0 } finish)
        {
            _finish = finish;
            update ??= new ChatResponseUpdate();
            AddCalls(update);
            update.FinishReason = ChatCompletionsWire.FinishOf(finish, calls: _calls.Count > 0);
        }

        // The first chunk has only the role and is not given out: until something is, a request that fails may be sent again.
        if (update is not null)
        {
            update.ResponseId = chunk.Id;
            update.CreatedAt = ChatCompletionsWire.TimeOf(chunk.Created);
        }

        return update;
    }

    public override ChatResponseUpdate Finish()
    {
        if (!Ended && _finish is null)
        {
            throw new ModelException(ModelFailure.Cut, "the model's answer ended without its end");
        }

        var update = new ChatResponseUpdate();
        if (_finish is null)
        {
            AddCalls(update);
            update.FinishReason = ChatCompletionsWire.FinishOf(reason: null, calls: _calls.Count > 0);
        }

        if (_usage is { } usage)
        {
            update.Contents.Add(new UsageContent(usage));
        }

        return update;
    }

    private ChatResponseUpdate? UpdateOf(WireMessage? delta)
    {
        if (delta is null)
        {
            return null;
        }

        foreach (var piece in delta.ToolCalls ?? [])
        {
            Append(piece);
        }

        var update = delta.Content is { Length: > 0 } text ? new ChatResponseUpdate(ChatRole.Assistant, text) : null;
        if (delta.Thought is { Length: > 0 } thought)
        {
            update ??= new ChatResponseUpdate();
            update.Contents.Insert(0, new TextReasoningContent(thought));
        }

        return update;
    }

    /// <summary>A piece belongs to the call of its index; without one to the last call, unless it names a new one.</summary>
    private void Append(WireToolCall piece)
    {
        var call = piece.Index is { } index
            ? _calls.Find(known => known.Index == index)
            : piece.Function?.Name is { Length: > 0 } ? null : _calls.LastOrDefault();
        if (call is null)
        {
            call = new PartialCall(piece.Index ?? _calls.Count);
            _calls.Add(call);
        }

        call.Id ??= piece.Id is { Length: > 0 } id ? id : null;
        call.Name ??= piece.Function?.Name is { Length: > 0 } name ? name : null;
        call.Arguments.Append(piece.Function?.Arguments);
    }

    private void AddCalls(ChatResponseUpdate update)
    {
        foreach (var call in _calls)
        {
            update.Contents.Add(ToolJson.Call(call.Id, call.Name ?? "", call.Arguments.ToString()));
        }
    }

    private sealed class PartialCall(int index)
    {
        public int Index { get; } = index;

        public string? Id { get; set; }

        public string? Name { get; set; }

        public StringBuilder Arguments { get; } = new();
    }
}
