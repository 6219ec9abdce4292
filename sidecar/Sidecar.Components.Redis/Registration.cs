using Sidecar.Abstractions;
using Sidecar.Components.Redis.Configuration;
using Sidecar.Components.Redis.PubSub;
using Sidecar.Components.Redis.State;

namespace Sidecar.Components.Redis;

/// <summary>Adds the component types that keep their data in a Redis server.</summary>
public static class RedisComponents
{
    /// <summary>Adds <c>state.redis</c>, <c>pubsub.redis</c>, <c>lock.redis</c>, <c>configuration.redis</c> and <c>bindings.redis</c>.</summary>
    public static ComponentRegistry AddRedis(this ComponentRegistry registry) => registry
        .Add("state.redis", context => new RedisStateStore(context))
        .Add("pubsub.redis", context => new RedisPubSub(context))
        .Add("lock.redis", context => new RedisLockStore(context))
        .Add("configuration.redis", context => new RedisConfigurationStore(context))
        .Add("bindings.redis", context => new RedisBinding(context));
}
