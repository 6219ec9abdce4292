namespace Sidecar.Redis;

/// <summary>A channel, or a pattern of channels (<c>news.*</c>).</summary>
public readonly record struct RedisChannel
{
    private RedisChannel(string name, bool isPattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        IsPattern = isPattern;
    }

    /// <summary>Name or pattern.</summary>
    public string Name { get; }

    /// <summary>Whether it is a pattern.</summary>
    public bool IsPattern { get; }

    /// <summary>One channel.</summary>
    public static RedisChannel Named(string name) => new(name, isPattern: false);

    /// <summary>All channels that match a glob.</summary>
    public static RedisChannel Pattern(string pattern) => new(pattern, isPattern: true);

    internal RedisCommand Subscribe() => RedisCommand.Of(IsPattern ? "PSUBSCRIBE" : "SUBSCRIBE", Name);

    internal RedisCommand Unsubscribe() => RedisCommand.Of(IsPattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", Name);
}
