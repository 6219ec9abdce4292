using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>
/// <c>pubsub.redis</c>: a stream per topic, a consumer group per <c>consumerID</c>, in the layout of Dapr (dapr/config §8.1), so that both
/// engines work on the same streams. What is different is in docs/engines.md. Metadata: <see cref="RedisMetadata"/> and <see cref="PubSubOptions"/>.
/// </summary>
internal sealed class RedisPubSub(ComponentContext context) : RedisComponent(context), IPubSub
{
    /// <summary>Consumers and ephemeral groups that were not heard of for so long have been left by a process that was killed.</summary>
    private static readonly TimeSpan DeadAfter = TimeSpan.FromHours(1);

    private static readonly Version OldestServer = new(6, 2);

    private static readonly TimeProvider Time = TimeProvider.System;

    private PubSubOptions _options = null!;

    // The broker expires nothing: the envelope carries the expiry.
    public PubSubFeatures Features => PubSubFeatures.BulkPublish;

    public int MaxHandlers => _options.MaxHandlers;

    public TimeSpan ProcessingTimeout => _options.ProcessingTimeout;

    public async ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await Client.ExecuteAsync(StreamEntry.Add(topic, message, _options, Time.GetUtcNow()), cancellationToken);
        }
        catch (RedisServerException exception)
        {
            throw Refused(topic, exception);
        }
    }

    public async ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
        string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        var replies = await Client.ExecuteManyAsync([.. messages.Select(message => StreamEntry.Add(topic, message, _options, now))], cancellationToken);
        return [.. replies.Select(reply => reply.IsError ? Refused(topic, reply.ToException()) : null)];
    }

    public async Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken)
    {
        var group = new StreamGroup(Client, _options, request.Topic, ConsumerName());
        try
        {
            await group.CreateAsync(cancellationToken);
            await group.CleanAsync(DeadAfter, cancellationToken);
        }
        catch (RedisServerException exception)
        {
            throw Refused(request.Topic, exception);
        }

        return await StreamSubscription.StartAsync(Client, group, _options, request, Logger, cancellationToken);
    }

    protected override async Task StartAsync(CancellationToken cancellationToken)
    {
        _options = PubSubOptions.Parse(Context.Metadata, Context.AppId);
        if (await VersionAsync(cancellationToken) is { } version && version < OldestServer)
        {
            throw new ComponentException($"the Redis server {Address} is version {version}: {OldestServer} or newer is needed, whose XPENDING knows IDLE");
        }
    }

    /// <summary>Null when the server does not tell.</summary>
    private async Task<Version?> VersionAsync(CancellationToken cancellationToken)
    {
        try
        {
            var info = (await Client.ExecuteAsync(RedisCommand.Of("INFO", "server"), cancellationToken)).AsString() ?? "";
            const string Name = "redis_version:";
            return info.Split('\n').FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal)) is { } line
                && Version.TryParse(line.AsSpan(Name.Length).Trim(), out var version) ? version : null;
        }
        catch (RedisServerException)
        {
            // A user of few rights.
            return null;
        }
    }

    /// <summary>Of this process alone: an index of an instance may be used again while the old process still runs.</summary>
    private string ConsumerName() =>
        $"{(_options.Ephemeral ? StreamGroup.EphemeralPrefix : StreamGroup.ConsumerPrefix)}{Context.AppId}-{Context.InstanceIndex}-{Guid.NewGuid():N}";

    private ComponentException Refused(string topic, RedisServerException exception) => new(
        $"component '{Context.Name}' ({Context.Type}), topic '{topic}': " + exception.Code switch
        {
            "WRONGTYPE" => $"the key '{topic}' of database {Options.Database} of the Redis server {Address} is not a stream: remove or rename it, or use another 'redisDB'",
            "OOM" => $"the Redis server {Address} has reached its maxmemory and takes no messages: give it more, or set 'maxLenApprox' or 'streamTTL'",
            "NOPERM" => $"the user of the Redis server {Address} may not do that ({exception.Message}): it needs the commands of streams and scripts for this key",
            _ => $"the Redis server {Address} refused: {exception.Message}",
        }, exception);
}
