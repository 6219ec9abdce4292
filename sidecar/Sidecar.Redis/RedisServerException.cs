namespace Sidecar.Redis;

/// <summary>An error reply: the server understood the command and refused it, or failed in it.</summary>
public sealed class RedisServerException : Exception
{
    /// <summary>The error as the server wrote it: code, space, sentence.</summary>
    public RedisServerException(string message) : this(message, null)
    {
    }

    internal RedisServerException(string message, string? advice) : base(advice is null ? message : $"{message}: {advice}")
    {
        var end = message.IndexOf(' ', StringComparison.Ordinal);
        var word = end < 0 ? message : message[..end];
        Code = word.Length > 0 && word.All(letter => char.IsAsciiLetterUpper(letter) || char.IsAsciiDigit(letter) || letter == '_') ? word : "ERR";
    }

    /// <summary>The error's code: <c>NOSCRIPT</c>, <c>WRONGTYPE</c>, <c>NOGROUP</c>, <c>BUSYGROUP</c>, <c>OOM</c>, <c>READONLY</c>…; <c>ERR</c> without one.</summary>
    public string Code { get; }
}
