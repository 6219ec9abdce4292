namespace ModelServers;

/// <summary>What the server answers. Every protocol turns it into its own wire format.</summary>
public abstract record ModelReply
{
    /// <summary>Text that the faults break, in pieces.</summary>
    internal static readonly TextReply Sample = new("one two three four", ["one ", "two ", "three ", "four"], 11, 7);

    /// <summary>Waited for before the first byte, e.g. a latency.</summary>
    public Func<CancellationToken, Task>? Before { get; init; }

    /// <summary>Waited for after each piece of a streamed answer.</summary>
    public Func<CancellationToken, Task>? Between { get; init; }

    /// <summary>Called when the reply has been sent, or as much of it as was to be.</summary>
    public Action? Sent { get; init; }

    /// <summary>Text, with its tokens; streamed in the given pieces, which concatenated are the text, or in pieces of 16 characters.</summary>
    public static TextReply Text(string text, int inputTokens = 11, int outputTokens = 7, IReadOnlyList<string>? pieces = null) =>
        new(text, pieces ?? [.. text.Chunk(16).Select(piece => new string(piece))], inputTokens, outputTokens);

    /// <summary>Text that stopped at the limit of tokens.</summary>
    public static TextReply Length(string text) => Text(text) with { Truncated = true };

    /// <summary>Calls of tools, several in one turn; streamed with their arguments in pieces where the protocol does that.</summary>
    public static ToolCallsReply ToolCalls(params (string Id, string Name, string ArgumentsJson)[] calls) =>
        new([.. calls.Select(call => new ModelToolCall(call.Id, call.Name, call.ArgumentsJson))]);

    /// <summary>The model declines.</summary>
    public static RefusalReply Refusal(string text) => new(text);

    /// <summary>An error, by status and, where one is given, by the provider's own code.</summary>
    public static StatusReply Status(int code, string? errorCode = null, TimeSpan? retryAfter = null) => new(code) { ErrorCode = errorCode, RetryAfter = retryAfter };

    /// <summary>The error that says that the account has no quota left, which is not a rate.</summary>
    public static StatusReply QuotaExhausted => new(429) { Quota = true };

    /// <summary>An answer of which the JSON is broken, while the connection ends well.</summary>
    public static MalformedReply MalformedJson { get; } = new();

    /// <summary>The connection ends before the answer begins.</summary>
    public static CutReply CutBeforeFirstByte { get; } = new(Pieces: null);

    /// <summary>The connection ends after so many pieces; of an answer that is not streamed, in its middle.</summary>
    public static CutReply Cut(int pieces = 2) => new(pieces);

    /// <summary>The stream ends well after so many pieces, but without what the protocol ends it with.</summary>
    public static UnfinishedReply Unfinished(int pieces = 2) => new(pieces);

    /// <summary>A stream that ends with an error of the provider after so many pieces; an answer that is not streamed has the error's status.</summary>
    public static ModelReply FailInStream(int code, int pieces = 2, string? errorCode = null) => new StreamErrorReply(pieces, new StatusReply(code) { ErrorCode = errorCode });

    /// <summary>Text that begins when <paramref name="until"/> ends.</summary>
    public static TextReply SlowFirstByte(Task until) => Text("ok") with { Before = until.WaitAsync };

    /// <summary>An answer that pauses after so many pieces until <paramref name="until"/> ends, and then goes on.</summary>
    public static IdleReply Idle(int pieces, Task until) => new(pieces, until);

    /// <summary>Embeddings of a length that the request may change; see <see cref="EmbeddingsReply.Of"/>.</summary>
    public static EmbeddingsReply Embeddings(int dimension = 8) => new(dimension);

    /// <summary>A picture that is answered where nothing fits.</summary>
    internal static readonly PictureReply SamplePicture = new(Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="), "image/png");

    /// <summary>A picture.</summary>
    public static PictureReply Picture(byte[] bytes, string mediaType = "image/png") => new(bytes, mediaType);

    /// <summary>The provider declines to draw.</summary>
    public static NoPictureReply NoPicture(string reason = "safety") => new(reason);
}

/// <summary><see cref="ModelReply.Text"/> and <see cref="ModelReply.Length"/>.</summary>
public sealed record TextReply(string Value, IReadOnlyList<string> Pieces, int InputTokens, int OutputTokens) : ModelReply
{
    /// <summary>Whether it stopped at the limit of tokens.</summary>
    public bool Truncated { get; init; }
}

/// <summary><see cref="ModelReply.ToolCalls"/>.</summary>
public sealed record ToolCallsReply(IReadOnlyList<ModelToolCall> Calls) : ModelReply;

/// <summary><see cref="ModelReply.Refusal"/>.</summary>
public sealed record RefusalReply(string Reason) : ModelReply;

/// <summary><see cref="ModelReply.Status"/> and <see cref="ModelReply.QuotaExhausted"/>.</summary>
public sealed record StatusReply(int Code) : ModelReply
{
    /// <summary>The provider's code; null means the usual one for the status.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>How long to wait; null says nothing.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether Retry-After is an HTTP date instead of seconds.</summary>
    public bool RetryAfterAsDate { get; init; }

    /// <summary>Whether it is said as <c>retry-after-ms</c> instead.</summary>
    public bool RetryAfterAsMilliseconds { get; init; }

    /// <summary>Whether it stands for exhausted quota; the protocol chooses status and code.</summary>
    public bool Quota { get; init; }

    /// <summary>What the error says; null means something with the key in it, as some providers do, so that a client that repeats it is caught.</summary>
    public string? Message { get; init; }
}

/// <summary><see cref="ModelReply.MalformedJson"/>.</summary>
public sealed record MalformedReply : ModelReply;

/// <summary><see cref="ModelReply.Cut"/> and, with null, <see cref="ModelReply.CutBeforeFirstByte"/>.</summary>
public sealed record CutReply(int? Pieces) : ModelReply;

/// <summary><see cref="ModelReply.Unfinished"/>.</summary>
public sealed record UnfinishedReply(int Pieces) : ModelReply;

/// <summary><see cref="ModelReply.FailInStream"/>.</summary>
public sealed record StreamErrorReply(int Pieces, StatusReply Error) : ModelReply;

/// <summary><see cref="ModelReply.Idle"/>.</summary>
public sealed record IdleReply(int Pieces, Task Until) : ModelReply;

/// <summary><see cref="ModelReply.Embeddings"/>.</summary>
public sealed record EmbeddingsReply(int Dimension) : ModelReply
{
    /// <summary>The embedding that every protocol answers for a text: its length and its characters, so that a test knows which text it belongs to.</summary>
    public static float[] Of(string text, int dimension) =>
        [.. Enumerable.Range(0, dimension).Select(index => index == 0 ? text.Length : index <= text.Length ? text[index - 1] / 256f : 0)];
}

/// <summary><see cref="ModelReply.Picture"/>.</summary>
public sealed record PictureReply(byte[] Bytes, string MediaType) : ModelReply;

/// <summary><see cref="ModelReply.NoPicture"/>.</summary>
public sealed record NoPictureReply(string Reason) : ModelReply;
