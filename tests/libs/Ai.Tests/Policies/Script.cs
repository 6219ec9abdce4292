using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Ai.Tests.Policies;

/// <summary>What stands below a policy under test: does what it is told, call by call, and counts.</summary>
internal sealed class Script
{
    public static readonly ModelInfo Model = new()
    {
        Id = "p/m", Provider = "p", Name = "m", Capabilities = ModelCapabilities.Chat | ModelCapabilities.Streaming,
    };

    private readonly Queue<Func<ModelCall, CancellationToken, ValueTask<ModelAnswer>>> _steps = [];

    /// <summary>The calls that came through.</summary>
    public List<ModelCall> Calls { get; } = [];

    public static ChatCall Call(ModelCallOptions? policy = null, ModelInfo? model = null, bool streamed = false) => new()
    {
        Requested = model ?? Model,
        Model = model ?? Model,
        Policy = policy ?? new(),
        Scope = CallScope.None,
        Messages = [new ChatMessage(ChatRole.User, "?")],
        Streamed = streamed,
    };

    public static ModelException Failed(ModelFailure failure, TimeSpan? retryAfter = null) => new(failure, $"it is {failure}") { RetryAfter = retryAfter };

    public Script Fails(ModelFailure failure, TimeSpan? retryAfter = null, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            Does((_, _) => throw Failed(failure, retryAfter));
        }

        return this;
    }

    public Script Answers(UsageDetails? usage = null) => Does((call, _) => new(Whole(call.Model, usage)));

    /// <summary>A stream of these pieces; an exception among them is thrown in its turn.</summary>
    public Script Streams(params object[] pieces) => Does(async (call, cancellationToken) =>
        await StreamedAnswer.OpenAsync(call.Model, Pieces(pieces, cancellationToken), cancellationToken));

    public Script Does(Func<ModelCall, CancellationToken, ValueTask<ModelAnswer>> step)
    {
        _steps.Enqueue(step);
        return this;
    }

    /// <summary>Never answers.</summary>
    public Script Hangs() => Does(async (_, cancellationToken) =>
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException();
    });

    public ValueTask<ModelAnswer> NextAsync(ModelCall call, CancellationToken cancellationToken)
    {
        Calls.Add(call);
        return _steps.Dequeue()(call, cancellationToken);
    }

    /// <summary>A call through a policy to the script, read to its end; null when it succeeds.</summary>
    public async Task<ModelException?> CallAsync(IModelPolicy policy, ModelCall? call = null)
    {
        try
        {
            var answer = await policy.InvokeAsync(call ?? Call(), NextAsync, CancellationToken.None);
            if (answer is StreamedAnswer)
            {
                await ReadAsync(answer);
            }

            return null;
        }
        catch (ModelException exception)
        {
            return exception;
        }
    }

    public static WholeAnswer<ChatResponse> Whole(ModelInfo model, UsageDetails? usage = null) =>
        new(model, new ChatResponse(new ChatMessage(ChatRole.Assistant, "ok")), usage);

    /// <summary>Reads to the end.</summary>
    public static async Task<string> ReadAsync(ModelAnswer answer)
    {
        await using var stream = (StreamedAnswer)answer;
        var text = "";
        while (stream.Current is { } update)
        {
            text += update.Text;
            await stream.MoveNextAsync();
        }

        return text;
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Pieces(
        object[] pieces, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var piece in pieces)
        {
            switch (piece)
            {
                case Exception exception:
                    throw exception;
                case Task wait:
                    await wait.WaitAsync(cancellationToken);
                    break;
                case UsageDetails usage:
                    yield return new ChatResponseUpdate { Contents = [new UsageContent(usage)] };
                    break;
                default:
                    yield return new ChatResponseUpdate(ChatRole.Assistant, (string)piece);
                    break;
            }
        }
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines<T> : ILogger<T>
{
    public List<(LogLevel Level, string Text)> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (Lines)
        {
            Lines.Add((logLevel, formatter(state, exception)));
        }
    }
}
