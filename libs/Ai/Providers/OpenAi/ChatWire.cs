using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>One of OpenAI's two ways to ask for text: what goes out and what comes back.</summary>
internal abstract class ChatWire
{
    /// <summary>Writes the members of a request's body.</summary>
    public abstract void Write(Utf8JsonWriter writer, IEnumerable<ChatMessage> messages, ChatOptions? options, bool streamed);

    /// <summary>Sends it.</summary>
    public abstract Task<ClientResult> SendAsync(BinaryContent content, RequestOptions options);

    /// <summary>Reads a whole answer.</summary>
    public abstract ChatResponse Read(ReadOnlySpan<byte> body);

    /// <summary>Begins to read a streamed answer.</summary>
    public abstract ChatStream OpenStream();
}

/// <summary>Reads one streamed answer, event by event.</summary>
internal abstract class ChatStream
{
    /// <summary>Whether the protocol's end has come.</summary>
    public bool Ended { get; protected set; }

    /// <summary>What an event says; null when that is nothing for the caller.</summary>
    public abstract ChatResponseUpdate? Read(ReadOnlySpan<byte> data);

    /// <summary>The last update, with usage where the server told it. Throws <see cref="ModelFailure.Cut"/> when the stream ended before its end.</summary>
    public abstract ChatResponseUpdate Finish();
}
