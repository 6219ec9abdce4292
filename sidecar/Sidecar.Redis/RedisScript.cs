using System.Security.Cryptography;
using System.Text;

namespace Sidecar.Redis;

/// <summary>A Lua script, sent once and then by its hash; kept in a static field.</summary>
public sealed class RedisScript
{
    /// <summary>A script of this text.</summary>
    public RedisScript(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        Text = text;
        // The server names scripts by SHA-1; nothing is protected by it.
#pragma warning disable CA5350
        Hash = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5350
    }

    /// <summary>Lua.</summary>
    public string Text { get; }

    /// <summary>SHA-1 of the text, as of <c>SCRIPT LOAD</c>.</summary>
    public string Hash { get; }

    /// <summary>
    /// The script as one command with its whole text, for pipelines and transactions: there a script that the server has forgotten
    /// could not be sent again after the commands beside it have run.
    /// </summary>
    public RedisCommand ToCommand(IReadOnlyList<RedisArgument> keys, IReadOnlyList<RedisArgument> arguments) =>
        Command("EVAL", Text, keys, arguments);

    internal RedisCommand ToHashCommand(IReadOnlyList<RedisArgument> keys, IReadOnlyList<RedisArgument> arguments) =>
        Command("EVALSHA", Hash, keys, arguments);

    private static RedisCommand Command(string name, string script, IReadOnlyList<RedisArgument> keys, IReadOnlyList<RedisArgument> arguments) =>
        RedisCommand.Of(name, (IReadOnlyCollection<RedisArgument>)[script, keys.Count, .. keys, .. arguments]);
}
