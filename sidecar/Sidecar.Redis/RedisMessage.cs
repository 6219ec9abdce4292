namespace Sidecar.Redis;

/// <summary>A published message.</summary>
/// <param name="Channel">Channel that it was published to, also for a subscription by pattern.</param>
/// <param name="Payload">Its bytes.</param>
public readonly record struct RedisMessage(string Channel, ReadOnlyMemory<byte> Payload);
