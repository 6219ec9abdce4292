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
/// The policy around one model: bulkhead ( retry ( breaker ( timeout ( call )))), with a span and metrics. Of a streamed answer
/// each piece has the time of an attempt; after the first one it is never retried.
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
        var sent = messages as IList<ChatMessage> ?? [.. messages];
        using var call = await EnterAsync(StartSpan(), cancellationToken);
        var response = await call.WatchAsync(() => _pipeline.ExecuteAsync(token => AttemptAsync(sent, options, token), cancellationToken));
        call.Succeed(response.Usage);
        return response;
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var sent = messages as IList<ChatMessage> ?? [.. messages];
        using var call = await EnterAsync(StartSpan(), cancellationToken);
        // Up to its first update an answer is an attempt like any other; after it nothing is repeated.
        await using var answer = await call.WatchAsync(() => _pipeline.ExecuteAsync(
            token => StreamedAnswer.OpenAsync(inner => base.GetStreamingResponseAsync(sent, options, inner), _attemptTimeout, _time, token),
            cancellationToken));
        UsageDetails? usage = null;
        while (answer.Current is { } update)
        {
            usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? usage;
            yield return update;
            await call.WatchAsync(answer.MoveNextAsync);
        }

        call.Succeed(usage);
    }

    /// <summary>Not part of an asynchronous method, so that the span stays current for what the provider does.</summary>
    private Activity? StartSpan()
    {
        var activity = AiTelemetry.Source.StartActivity($"chat {_model}", ActivityKind.Client);
        AiTelemetry.Tag(activity, InnerClient.GetService<ChatClientMetadata>());
        return activity;
    }

    private async ValueTask<ObservedCall> EnterAsync(Activity? activity, CancellationToken cancellationToken)
    {
        try
        {
            await _bulkhead.WaitAsync(cancellationToken);
        }
        catch
        {
            activity?.Dispose();
            throw;
        }

        return new ObservedCall(activity, _model, _time, _bulkhead);
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
            throw TooSlow(_attemptTimeout, exception);
        }
    }

    internal static ModelException TooSlow(TimeSpan limit, Exception exception) =>
        new("MODEL_UNAVAILABLE", $"the model gave no answer within {limit}", isTransient: true, exception);

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
