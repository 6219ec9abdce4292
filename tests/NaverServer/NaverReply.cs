namespace NaverServers;

/// <summary>What the server says, and how it fails.</summary>
public abstract record NaverReply
{
    /// <summary>Awaited before the reply.</summary>
    public Func<CancellationToken, Task>? Before { get; init; }

    /// <summary>Items of one's own.</summary>
    public static NaverReply Found(params NaverItem[] items) => new FoundReply(items);

    /// <summary>An error with the code of the documentation: 500 SE99, 429 010 (quota) or 012 (rate), 401 024, 400 SE01…</summary>
    public static NaverReply Error(int status, string code, TimeSpan? retryAfter = null) => new ErrorReply(status, code, retryAfter);

    /// <summary>A server that fails before it knows what is asked: a status with a page of HTML.</summary>
    public static NaverReply Page(int status) => new PageReply(status);

    /// <summary>Another body with 200.</summary>
    public static NaverReply Text(string body) => new TextReply(body);

    /// <summary>Closes the connection without an answer.</summary>
    public static NaverReply Hangup() => new HangupReply();

    /// <summary>Sends half of a good answer and closes the connection.</summary>
    public static NaverReply Cut() => new CutReply();

    /// <summary>Says nothing until the client has gone.</summary>
    public static NaverReply Never() => new NeverReply();

    /// <summary>Sends half of a good answer, and nothing more until the client has gone.</summary>
    public static NaverReply Half() => new CutReply { Hangs = true };

    /// <summary>Leads to another address.</summary>
    public static NaverReply Redirect(string location) => new RedirectReply(location);
}

internal sealed record FoundReply(IReadOnlyList<NaverItem> Items) : NaverReply;

internal sealed record ErrorReply(int Status, string Code, TimeSpan? RetryAfter) : NaverReply;

internal sealed record PageReply(int Status) : NaverReply;

internal sealed record TextReply(string Body) : NaverReply;

internal sealed record HangupReply : NaverReply;

internal sealed record CutReply : NaverReply
{
    public bool Hangs { get; init; }
}

internal sealed record NeverReply : NaverReply;

internal sealed record RedirectReply(string Location) : NaverReply;
