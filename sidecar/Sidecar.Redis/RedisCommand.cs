namespace Sidecar.Redis;

/// <summary>A command with its arguments: <c>RedisCommand.Of("XADD", key, "*", "data", bytes)</c>.</summary>
public readonly struct RedisCommand
{
    private readonly RedisArgument[]? _arguments;

    private RedisCommand(string name, RedisArgument[] arguments)
    {
        Name = name;
        _arguments = arguments;
    }

    /// <summary>The command's first word.</summary>
    public string Name { get; }

    internal ReadOnlySpan<RedisArgument> Arguments => _arguments;

    /// <summary>A command of a name and its arguments; the second word of a command such as <c>XGROUP CREATE</c> is an argument.</summary>
    public static RedisCommand Of(string name, params ReadOnlySpan<RedisArgument> arguments)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new RedisCommand(name, arguments.ToArray());
    }

    /// <summary>A command whose arguments are in a list already; the list is not changed afterwards.</summary>
    public static RedisCommand Of(string name, IReadOnlyCollection<RedisArgument> arguments)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new RedisCommand(name, [.. arguments]);
    }

    /// <summary>The name alone: arguments may be secret.</summary>
    public override string ToString() => Name;
}
