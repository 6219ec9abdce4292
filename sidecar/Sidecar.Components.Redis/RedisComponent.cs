using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>What the components of a Redis server have in common: a share in the connection.</summary>
internal abstract class RedisComponent(ComponentContext context) : IComponent
{
    private static readonly Shared<RedisOptions, RedisConnection> Connections = new();

    private Share<RedisConnection>? _connection;
    private RedisClient? _client;

    protected ComponentContext Context { get; } = context;

    protected RedisOptions Options { get; private set; } = null!;

    /// <summary>The server, as messages name it.</summary>
    protected string Address => $"{Options.Host}:{Options.Port}";

    protected RedisClient Client => _client ?? throw new InvalidOperationException($"component '{Context.Name}' is not initialised");

    protected ILogger Logger => Context.Services.GetService<ILoggerFactory>()?.CreateLogger<RedisComponent>() ?? (ILogger)NullLogger.Instance;

    public async Task InitAsync(CancellationToken cancellationToken)
    {
        Options = RedisMetadata.Read(Context);
        try
        {
            _connection = Connections.Acquire(Options, () => new RedisConnection(Options));
            _client = await _connection.Value.ConnectAsync(cancellationToken);
            await StartAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            await DisposeAsync();
            throw Explain(exception, cancellationToken.IsCancellationRequested);
        }
    }

    public virtual ValueTask DisposeAsync() => _connection?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A server that is not there may still come, and is tried again when the exception says so; everything else is final.</summary>
    private Exception Explain(Exception exception, bool cancelled) => exception switch
    {
        OperationCanceledException when cancelled =>
            new ComponentException($"{Options} has not answered yet: is it stopped or overloaded, or no Redis? Check redisHost and redisPort, or raise initTimeout", exception),
        RedisConnectionException { InnerException: SocketException cause } => new IOException(exception.Message, cause),
        RedisConnectionException => new ComponentException(exception.Message, exception),
        RedisServerException refused => Refused(refused),
        _ => exception,
    };

    /// <summary>Runs a command; what the server refuses is said with its address.</summary>
    protected async ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken)
    {
        try
        {
            return await Client.ExecuteAsync(command, cancellationToken);
        }
        catch (RedisServerException exception)
        {
            throw Refused(exception);
        }
    }

    /// <summary>Runs a script; what the server refuses is said with its address.</summary>
    protected async ValueTask<RedisReply> EvaluateAsync(
        RedisScript script, IReadOnlyList<RedisArgument> keys, IReadOnlyList<RedisArgument> arguments, CancellationToken cancellationToken)
    {
        try
        {
            return await Client.EvaluateAsync(script, keys, arguments, cancellationToken);
        }
        catch (RedisServerException exception)
        {
            throw Refused(exception);
        }
    }

    protected ComponentException Refused(RedisServerException exception) => new(
        $"{Options} refused: " + exception.Code switch
        {
            "OOM" => "it has reached its maxmemory and takes no writes; give it more, or remove data",
            "NOPERM" => $"the user may not do that ({exception.Message}); its ACL must allow the keys, and their commands also in scripts",
            "READONLY" => "it is a replica and takes no writes; name its primary in 'redisHost'",
            "MISCONF" => $"it cannot write to its disk and takes no writes ({exception.Message})",
            _ => exception.Message,
        },
        exception);

    /// <summary>What is checked at the server before the component is used.</summary>
    protected virtual Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
