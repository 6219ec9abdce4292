using System.ClientModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Ai.Policies;

/// <summary>
/// The policy around one model: bulkhead ( retry ( breaker ( timeout ( call )))). A streamed answer is never retried after
/// its first token.
/// </summary>
internal sealed partial class PolicyChatClient : DelegatingChatClient
{
    private readonly ResiliencePipeline _pipeline;
    private readonly SemaphoreSlim _bulkhead;
    private readonly TimeSpan _attemptTimeout;
    private readonly TimeProvider _time;
    private readonly string _model;

    public PolicyChatClient(IChatClient inner, ModelCallOptions options, TimeProvider time, ILogger logger) : base(inner)
    {
        _bulkhead = new SemaphoreSlim(options.MaxConcurrentCalls);
        _attemptTimeout = options.AttemptTimeout;
        _time = time;
        _model = inner.GetService<ChatClientMetadata>()?.DefaultModelId ?? "unknown";
        var transient = new PredicateBuilder().Handle<ModelException>(exception => exception.IsTransient);
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Retries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = transient,
                MaxRetryAttempts = options.Retries,
                Delay = options.RetryDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                DelayGenerator = arguments => ValueTask.FromResult(RetryAfter(arguments.Outcome.Exception)),
                OnRetry = arguments =>
                {
                    LogRetry(logger, _model, arguments.AttemptNumber + 1, arguments.Outcome.Exception!.Message);
                    return default;
                },
            });
        }

        _pipeline = builder
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = transient,
                FailureRatio = 0.5,
                MinimumThroughput = options.BreakerMinimumCalls,
                SamplingDuration = TimeSpan.FromSeconds(30),
                BreakDuration = options.BreakerOpenTime,
            })
            .Build();
    }

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var activity = AiTelemetry.Source.StartActivity($"chat {_model}", ActivityKind.Client);
        AiTelemetry.Tag(activity, InnerClient.GetService<ChatClientMetadata>());
        await _bulkhead.WaitAsync(cancellationToken);
        var started = _time.GetTimestamp();
        try
        {
            var response = await _pipeline.ExecuteAsync(
                async (state, token) => await state.Self.AttemptAsync(state.Messages, state.Options, token),
                (Self: this, Messages: messages as IList<ChatMessage> ?? [.. messages], Options: options),
                cancellationToken);
            AiTelemetry.Record(_model, _time.GetElapsedTime(started), response.Usage, error: null);
            return response;
        }
        catch (Exception exception)
        {
            var error = ErrorType(exception);
            activity?.SetStatus(ActivityStatusCode.Error, error);
            activity?.SetTag("error.type", error);
            AiTelemetry.Record(_model, _time.GetElapsedTime(started), usage: null, error);
            if (exception is BrokenCircuitException)
            {
                throw new ModelException("MODEL_UNAVAILABLE", "the model is paused after repeated failures", isTransient: true, exception);
            }

            throw;
        }
        finally
        {
            _bulkhead.Release();
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await _bulkhead.WaitAsync(cancellationToken);
        try
        {
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                yield return update;
            }
        }
        finally
        {
            _bulkhead.Release();
        }
    }

    private async ValueTask<ChatResponse> AttemptAsync(IList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_attemptTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await base.GetResponseAsync(messages, options, either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ModelException("MODEL_UNAVAILABLE", $"the model gave no answer within {_attemptTimeout}", isTransient: true, exception);
        }
    }

    /// <summary>Bounded: a code of ours or the name of an exception's type.</summary>
    private static string ErrorType(Exception exception) => exception switch
    {
        BrokenCircuitException => "circuit_open",
        ModelException failed => failed.Code,
        OperationCanceledException => "cancelled",
        _ => exception.GetType().FullName!,
    };

    /// <summary>Seconds of a Retry-After header, when the server sent one; otherwise the strategy's own delay is used.</summary>
    private static TimeSpan? RetryAfter(Exception? exception) =>
        exception?.InnerException is ClientResultException result
        && result.GetRawResponse()?.Headers.TryGetValue("Retry-After", out var value) == true
        && int.TryParse(value, out var seconds) && seconds is > 0 and <= 60
            ? TimeSpan.FromSeconds(seconds)
            : null;

    [LoggerMessage(1901, LogLevel.Warning, "Model {Model}: attempt {Attempt} failed ({Reason}), trying again")]
    private static partial void LogRetry(ILogger logger, string model, int attempt, string reason);
}
