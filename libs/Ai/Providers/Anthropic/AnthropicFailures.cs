using System.Text.Json;
using Anthropic.Exceptions;

namespace Ai.Providers.Anthropic;

/// <summary>What the package throws, as failures of ours. What <see cref="AnthropicErrors"/> threw already is one.</summary>
internal static class AnthropicFailures
{
    /// <summary>The failure that an exception stands for; null when it passes as it is: failures of ours, and the caller's cancellation.</summary>
    public static ModelException? Of(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        _ when cancellationToken.IsCancellationRequested => null,
        // Their messages hold what the server sent, so they are not kept as inner exceptions.
        AnthropicSseException failed => OfStream(AnthropicError.Of(failed.Body)),
        AnthropicInvalidDataException or JsonException => new(ModelFailure.Malformed, "the model server's answer does not follow the protocol"),
        AnthropicIOException or HttpRequestException or IOException => Cut(exception),
        AnthropicException => new(ModelFailure.Malformed, "the model server's answer does not follow the protocol"),
        _ => null,
    };

    /// <summary>An answer that ended too early.</summary>
    public static ModelException Cut(Exception? exception = null) => new(ModelFailure.Cut, "the model server's answer ended before its end", exception);

    private static ModelException OfStream(AnthropicError? error)
    {
        var failure = error?.Failure ?? (error?.Type == AnthropicError.InvalidRequest ? ModelFailure.BadRequest : ModelFailure.ServerError);
        return new ModelException(failure, $"the model server ended its answer with an error{error}");
    }
}
