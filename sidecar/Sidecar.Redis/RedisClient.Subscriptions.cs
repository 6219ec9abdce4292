namespace Sidecar.Redis;

/// <summary>Subscriptions.</summary>
public sealed partial class RedisClient
{
    private IReadOnlyCollection<RedisChannel> Channels() => [];

    private void OnPush(RedisReply push)
    {
    }

    private void OnGap()
    {
    }
}
