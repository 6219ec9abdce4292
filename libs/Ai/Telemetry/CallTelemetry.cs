using System.Diagnostics;
using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Telemetry;

/// <summary>What a span and the metrics tell about the call to one model, by the conventions that <see cref="AiTelemetry"/> names.</summary>
internal sealed class CallTelemetry
{
    private const string Cancelled = "cancelled";
    private static readonly object True = true;

    private readonly ModelCall _call;
    private readonly ProviderTags _provider;
    private readonly AiTelemetryOptions _options;
    private readonly TimeProvider _time;
    private readonly Activity? _span;
    private readonly long _started;
    private string? _responseModel;
    private StreamWatch? _stream;

    public CallTelemetry(ModelCall call, ProviderTags provider, AiTelemetryOptions options, TimeProvider time)
    {
        (_call, _provider, _options, _time) = (call, provider, options, time);
        _started = time.GetTimestamp();
        _span = AiTelemetry.Source.HasListeners() ? Start() : null;
    }

    private bool Captures => _options.CaptureContent && _span is { IsAllDataRequested: true };

    /// <summary>Notes what the answer tells; of a stream, that its first piece is there, and watches the others pass.</summary>
    public void Answered(ModelAnswer answer)
    {
        switch (answer)
        {
            case StreamedAnswer { Current: not null } stream:
                var wait = _time.GetElapsedTime(_started).TotalSeconds;
                AiTelemetry.TimeToFirstChunk.Record(wait, Tags());
                _span?.SetTag("gen_ai.response.time_to_first_chunk", wait);
                if (_span is not null || AiTelemetry.TimePerOutputChunk.Enabled)
                {
                    stream.Wrap(updates => _stream = new StreamWatch(updates, Tags(), _time, Captures ? _options.MaxContentLength : 0));
                }

                break;
            case WholeAnswer<ChatResponse> { Value: var response }:
                _responseModel = response.ModelId;
                TellResponse(response.ResponseId, response.FinishReason, response.Messages);

                break;
            case WholeAnswer<GeneratedEmbeddings<Embedding<float>>> { Value: [var first, ..] }:
                _responseModel = first.ModelId;
                _span?.SetTag("gen_ai.embeddings.dimension.count", first.Dimensions);
                break;
        }
    }

    /// <summary>Ends the span and measures the call, however it ended.</summary>
    public void End(CallEnd end)
    {
        if (_stream is { } stream)
        {
            _responseModel = stream.Model;
            TellResponse(stream.ResponseId, stream.FinishReason, stream.Kept is { } kept ? kept.ToChatResponse().Messages : []);
        }

        var error = end.Error is null ? null : ErrorType(end.Error);
        var cost = end is { Error: not null, Usage: null } ? null : ModelCost.Of(_call, _call.Model, end.Usage);
        Measure(end.Usage, cost, error);
        if (_span is { } span)
        {
            Tell(span, end.Usage, cost, error);
            // Ending a span makes current what was so at its start; whoever reads a stream may be in a span of its own by now.
            var current = Activity.Current;
            span.Dispose();
            Activity.Current = current == span ? span.Parent : current;
        }
    }

    /// <summary>A kept answer comes from no call, so no policy has a span for it. This one says who had spoken.</summary>
    public static void TellKept(ModelCall call, ModelAnswer answer)
    {
        if (!AiTelemetry.Source.HasListeners())
        {
            return;
        }

        using var span = AiTelemetry.Source.StartActivity($"kept {answer.Model.Name}");
        span?.SetTag("tandem.ai.model", answer.Model.Id);
        span?.SetTag("tandem.ai.requested_model", call.Requested.Id);
        span?.SetTag("tandem.ai.task", call.Scope.Task);
        span?.SetTag("tandem.ai.prompt", call.Scope.Prompt);
        span?.SetTag("tandem.ai.cached", True);
    }

    private Activity? Start()
    {
        // A sampler decides by the tags.
        var span = AiTelemetry.Source.StartActivity($"{_call.Operation} {_call.Model.Name}", ActivityKind.Client, default(ActivityContext), Tags());
        if (span is not { IsAllDataRequested: true })
        {
            return span;
        }

        Add(span, "gen_ai.conversation.id", _call.Scope.Session);
        Add(span, "tandem.ai.model", _call.Model.Id);
        Add(span, "tandem.ai.requested_model", _call.Requested.Id);
        Add(span, "tandem.ai.fallback_reason", _call.FallbackReason?.ToString());
        Add(span, "tandem.ai.task", _call.Scope.Task);
        Add(span, "tandem.ai.prompt", _call.Scope.Prompt);
        switch (_call)
        {
            case ChatCall chat:
                TellRequest(span, chat);
                break;
            case ImageCall image:
                Add(span, "gen_ai.output.type", "image");
                Add(span, "gen_ai.request.choice.count", image.Options?.Count is > 1 and var count ? count : null);
                break;
            case EmbeddingCall embedding:
                span.SetTag("gen_ai.embeddings.dimension.count", embedding.Options?.Dimensions);
                break;
        }

        return span;
    }

    private void TellRequest(Activity span, ChatCall chat)
    {
        var options = chat.Options;
        Add(span, "gen_ai.output.type", options?.ResponseFormat is ChatResponseFormatJson ? "json" : "text");
        Add(span, "gen_ai.request.stream", chat.Streamed ? True : null);
        Add(span, "gen_ai.request.max_tokens", options?.MaxOutputTokens);
        Add(span, "gen_ai.request.temperature", options?.Temperature);
        Add(span, "gen_ai.request.top_p", options?.TopP);
        Add(span, "gen_ai.request.top_k", options?.TopK);
        Add(span, "gen_ai.request.frequency_penalty", options?.FrequencyPenalty);
        Add(span, "gen_ai.request.presence_penalty", options?.PresencePenalty);
        Add(span, "gen_ai.request.seed", options?.Seed);
        Add(span, "gen_ai.request.stop_sequences", options?.StopSequences is { Count: > 0 } stops ? stops.ToArray() : null);
        if (_options.CaptureContent)
        {
            Add(span, "gen_ai.system_instructions", SpanContent.OfInstructions(options?.Instructions, _options.MaxContentLength));
            Add(span, "gen_ai.input.messages", SpanContent.Of(chat.Messages, finishReason: null, _options.MaxContentLength));
            Add(span, "gen_ai.tool.definitions", SpanContent.OfTools(options?.Tools));
        }
    }

    private void TellResponse(string? id, ChatFinishReason? finishReason, IList<ChatMessage> messages)
    {
        if (_span is not { IsAllDataRequested: true } span)
        {
            return;
        }

        Add(span, "gen_ai.response.id", id);
        Add(span, "gen_ai.response.finish_reasons", finishReason is { } reason ? new[] { reason.Value } : null);
        if (_options.CaptureContent)
        {
            Add(span, "gen_ai.output.messages", SpanContent.Of(messages, finishReason, _options.MaxContentLength));
        }
    }

    private void Tell(Activity span, UsageDetails? usage, decimal? cost, string? error)
    {
        Add(span, "gen_ai.response.model", _responseModel);
        Add(span, "gen_ai.usage.input_tokens", usage?.InputTokenCount);
        Add(span, "gen_ai.usage.output_tokens", usage?.OutputTokenCount);
        Add(span, "gen_ai.usage.cache_read.input_tokens", usage?.CachedInputTokenCount);
        Add(span, "gen_ai.usage.reasoning.output_tokens", usage?.ReasoningTokenCount);
        Add(span, "tandem.ai.cost", (double?)cost);
        if (error is not null)
        {
            span.SetStatus(ActivityStatusCode.Error, error);
            Add(span, "error.type", error);
        }
    }

    private void Measure(UsageDetails? usage, decimal? cost, string? error)
    {
        var tags = Tags();
        if (_responseModel is not null)
        {
            tags.Add("gen_ai.response.model", _responseModel);
        }

        Count(usage?.InputTokenCount, "input", tags);
        Count(usage?.OutputTokenCount, "output", tags);
        if (cost is > 0)
        {
            AiTelemetry.Cost.Add((double)cost, tags);
        }

        if (error is not null)
        {
            tags.Add("error.type", error);
        }

        AiTelemetry.Duration.Record(_time.GetElapsedTime(_started).TotalSeconds, tags);
    }

    private static void Count(long? tokens, string type, TagList tags)
    {
        if (tokens is { } count)
        {
            tags.Add("gen_ai.token.type", type);
            AiTelemetry.Tokens.Record(count, tags);
        }
    }

    /// <summary>Each is added once, so nobody has to look for an earlier one of its name.</summary>
    private static void Add(Activity span, string name, object? value)
    {
        if (value is not null)
        {
            span.AddTag(name, value);
        }
    }

    private TagList Tags()
    {
        var tags = new TagList { { "gen_ai.operation.name", _call.Operation }, { "gen_ai.provider.name", _provider.Name }, { "gen_ai.request.model", _call.Model.Name } };
        if (_provider.Address is { } address)
        {
            tags.Add("server.address", address);
            tags.Add("server.port", _provider.Port);
        }

        return tags;
    }

    /// <summary>Bounded: a failure of ours or the name of an exception's type.</summary>
    private static string ErrorType(Exception exception) => exception switch
    {
        ModelException failed => failed.Failure.ToString(),
        OperationCanceledException => Cancelled,
        _ => exception.GetType().FullName!,
    };
}
